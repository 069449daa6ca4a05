package link

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Key names one row of a [Store].
type Key struct {
	// Pair is the pair of systems and entities that the contract names, such as "customer-account".
	Pair string
	// Kind is "m" for a main row, "p" for a side's pointer, "k" for a match key's pointer.
	Kind string
	// Side is the system's name for kind "p", else empty.
	Side string
	// ID is the link's number, the side's id, or the match key, as the system writes it.
	ID string
}

// maxRowKey bounds an encoded row key. Table storage allows 1 KiB, which is 512 UTF-16 units ("Understanding the Table
// service data model").
const maxRowKey = 400

// Table returns the row's PartitionKey and RowKey in Table storage. Different keys give different pairs; a key that would be
// too long is cut and ends in "!~" and its SHA-256. Partitions are the pair and two hex digits of a hash, so that one
// pair spreads over 256 of them.
func (k Key) Table() (partition, row string) {
	row = k.Kind
	if k.Side != "" {
		row += ":" + encode(k.Side)
	}
	row += ":" + encode(k.ID)
	sum := sha256.Sum256([]byte(row))
	if len(row) > maxRowKey {
		row = row[:maxRowKey-66] + "!~" + hex.EncodeToString(sum[:])
	}
	partition = encode(k.Pair)
	if len(partition) > maxRowKey {
		whole := sha256.Sum256([]byte(partition))
		partition = partition[:maxRowKey-66] + "!~" + hex.EncodeToString(whole[:])
	}
	return partition + ":" + hex.EncodeToString(sum[:1]), row
}

// encode writes every byte that is no plain ASCII letter, digit or one of "-_.={} ,@" as "!" and two hex digits. Table
// storage forbids / \ # ? and control characters; "%" and "'" are trouble on the way there; ":" and "!" are ours.
func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.={},@ ", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "!%02x", c)
		}
	}
	return b.String()
}
