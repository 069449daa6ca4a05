package deployment

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// Names are the names that infra/main.bicep gives what must be unique in all of Azure, and its resource group.
type Names struct {
	ResourceGroup, Storage, Vault, Namespace, Site string
}

// NamesOf returns the names of an environment. A subscription is its id alone.
func NamesOf(subscription, environment, location string) Names {
	token := uniqueString("/subscriptions/"+subscription, environment, location)
	return Names{
		ResourceGroup: "rg-" + environment,
		Storage:       "st" + token,
		Vault:         "kv-" + token,
		Namespace:     "sbns-" + token,
		Site:          "func-" + token,
	}
}

// uniqueString is the function of that name in Bicep and ARM templates: the 64-bit variant of MurmurHash3 over the texts
// joined by "-", as 13 letters of base32. Azure doesn't document it; a test compares it with what the compiler makes.
func uniqueString(texts ...string) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	hash := murmur([]byte(strings.Join(texts, "-")))
	var out [13]byte
	for i := range out {
		out[i] = alphabet[hash>>59]
		hash <<= 5
	}
	return string(out[:])
}

const (
	murmur1 = 0x239b961b
	murmur2 = 0xab0e9789
)

func murmur(data []byte) uint64 {
	var h1, h2 uint32
	rest := data
	for ; len(rest) >= 8; rest = rest[8:] {
		h1 ^= mixFirst(binary.LittleEndian.Uint32(rest))
		h1 = (bits.RotateLeft32(h1, 19)+h2)*5 + 0x561ccd1b
		h2 ^= mixSecond(binary.LittleEndian.Uint32(rest[4:]))
		h2 = (bits.RotateLeft32(h2, 13)+h1)*5 + 0x0bcaa747
	}
	var tail [8]byte
	copy(tail[:], rest)
	h1 ^= mixFirst(binary.LittleEndian.Uint32(tail[:]))
	h2 ^= mixSecond(binary.LittleEndian.Uint32(tail[4:]))
	h1, h2 = h1^uint32(len(data)), h2^uint32(len(data))
	h1 += h2
	h2 += h1
	h1, h2 = finish(h1), finish(h2)
	h1 += h2
	h2 += h1
	return uint64(h2)<<32 | uint64(h1)
}

func mixFirst(k uint32) uint32 { return bits.RotateLeft32(k*murmur1, 15) * murmur2 }

func mixSecond(k uint32) uint32 { return bits.RotateLeft32(k*murmur2, 17) * murmur1 }

func finish(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
