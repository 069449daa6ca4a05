package link_test

import (
	"strings"
	"testing"

	"crosswalk/shared/link"
	"crosswalk/shared/link/linktest"
)

func TestMemory(t *testing.T) {
	linktest.Run(t, func(*testing.T) link.Store { return link.NewMemory() })
}

func TestTableKeysAreWithinTableStorageLimits(t *testing.T) {
	long := strings.Repeat("/ä", 2000)
	for _, k := range []link.Key{
		{Pair: "customer-account", Kind: "k", ID: "demf/CIV-000784"},
		{Pair: long, Kind: "p", Side: long, ID: long},
	} {
		partition, row := k.Table()
		for _, part := range []string{partition, row} {
			if len(part) > 512 || strings.ContainsAny(part, "/\\#?%\t\n\r") {
				t.Errorf("key of %d characters or with forbidden ones: %.80q", len(part), part)
			}
		}
	}
	if _, row := (link.Key{Pair: "p", Kind: "k", ID: "demf/CIV-000784"}).Table(); row != "k:demf!2fCIV-000784" {
		t.Errorf("row key %q isn't readable", row)
	}
}

func TestPairsSpreadOverPartitions(t *testing.T) {
	partitions := map[string]bool{}
	for i := range 2000 {
		p, _ := link.Key{Pair: "invoice", Kind: "m", ID: strings.Repeat("i", i%40) + string(rune('a'+i%26)) + strings.Repeat("z", i/40)}.Table()
		partitions[p] = true
	}
	if len(partitions) < 200 {
		t.Errorf("2000 rows lie in %d partitions", len(partitions))
	}
}
