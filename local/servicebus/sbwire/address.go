package sbwire

import "strings"

const (
	cbsNode          = "$cbs"
	managementSuffix = "/$management"
)

// entityOf takes scheme and host off an address that is written as a URL: some clients put tokens for, and attach to,
// amqps://host:port/entity.
func entityOf(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		_, address, _ = strings.Cut(rest, "/")
	}
	return strings.Trim(address, "/")
}

// managed returns the entity whose $management node an address names.
func managed(address string) (entity string, ok bool) {
	n := len(address) - len(managementSuffix)
	if n < 0 || !strings.EqualFold(address[n:], managementSuffix) {
		return "", false
	}
	return address[:n], true
}
