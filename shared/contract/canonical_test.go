package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A list and a set of options are compared by value, and the hash follows.
func TestListsAreComparedByValue(t *testing.T) {
	p := testPlan(t, shippedToParcel, `lines: {from: Lines, rows: project, fields: {item: {from: Item, blank: reject, longer: reject}, price: {from: Price}, free: {from: Free}}}
  sizes: {from: "Tags[]", rows: project, table: {a: 1, b: 2, c: 3}, other: reject}`)
	record := func(src string) *Record {
		r, err := p.Apply([]byte(`{"Id":"1",` + src + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const src = `"Lines":[{"Item":"A","Price":1.50,"Free":null},{"Item":"B"}],"Tags":["c","a"]`
	r := record(src)
	for row, want := range map[string]bool{
		`"lines":[{"price":1.5,"item":"A"},{"item":"B","price":null}],"sizes":"1,3"`: true,
		`"lines":[{"item":"\u0041","price":15e-1},{"item":"B"}],"sizes":"3, 1"`:      true,
		`"lines":[{"item":"B"},{"item":"A","price":1.5}],"sizes":"1,3"`:              false,
		`"lines":[{"item":"A","price":1.5},{"item":"B","free":false}],"sizes":"1,3"`: false,
		`"lines":[{"item":"A","price":"1.5"},{"item":"B"}],"sizes":"1,3"`:            false,
		`"lines":[{"item":"A","price":1.5}],"sizes":"1,3"`:                           false,
		`"lines":[{"item":"A","price":1.5},{"item":"B"},{"item":"B"}],"sizes":"1,3"`: false,
		`"lines":[],"sizes":"1,3"`:                                                         false,
		`"lines":null,"sizes":"1,3"`:                                                       false,
		`"lines":"[]","sizes":"1,3"`:                                                       false,
		`"lines":[{"item":"A","price":1.5},{"item":"B"}],"sizes":"1"`:                      false,
		`"lines":[{"item":"A","price":1.5},{"item":"B"}],"sizes":"1,2,3"`:                  false,
		`"lines":[{"item":"A","price":1.5},{"item":"B"}],"sizes":13`:                       false,
		`"lines":[{"item":"A","price":1.5},{"item":"B"}],"sizes":null`:                     false,
		`"lines":[{"item":"A","price":1.50000000000000000001},{"item":"B"}],"sizes":"1,3"`: false,
	} {
		if same, err := r.Same([]byte(`{"id":"1",` + row + `}`)); same != want || err != nil {
			t.Errorf("%s: same %v, %v", row, same, err)
		}
	}
	if other := record(`"Tags":["a","c","a"],"Lines":[{"Price":1.5,"Item":"A"},{"Item":"B"}]`); r.Hash() != other.Hash() {
		t.Error("equal lists have different hashes")
	}
	for _, other := range []string{strings.Replace(src, "1.50", "1.51", 1), strings.Replace(src, `"c",`, "", 1), strings.Replace(src, `,{"Item":"B"}`, "", 1)} {
		if r.Hash() == record(other).Hash() {
			t.Errorf("%s has the same hash", other)
		}
	}
}

// The projection gives what a program on encoding/json gives, for any lines.
func TestProjectionAgainstEncodingJSON(t *testing.T) {
	p := testPlan(t, shippedToParcel, `lines: {from: Lines, rows: project, where: {Kind: Item}, fields: {item: {from: Item, blank: {value: "-"}, longer: reject}, recid: {from: RecId}, free: {from: Free, blank: skip}, charges: {from: Charges, rows: project, fields: {code: {from: Code, longer: reject}}}}}
  note: {from: Lines, rows: project, fields: {Name: {from: Name}, "with, comma": {from: Site.Id}, codes: {from: "Charges[].Code", rows: project}}}`)
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(line), 0, 5).Draw(t, "lines")
		src, err := json.Marshal(map[string]any{"Id": "1", "Lines": lines})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Apply(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		want := fmt.Sprintf(`{"id":"1","lines":%s,"note":%s}`, marshal(t, objects(lines)), marshal(t, string(marshal(t, notes(t, lines)))))
		if got := r.JSON(true); string(got) != want {
			t.Fatalf("%s\n gives %s\n  want %s", src, got, want)
		}
	})
}

func marshal(t *rapid.T, v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(out.Bytes())
}

type sourceLine struct {
	Item, Name *string        `json:",omitempty"`
	Kind       string         `json:",omitempty"`
	RecID      int64          `json:"RecId"`
	Free       *bool          `json:",omitempty"`
	Site       *sourceSite    `json:",omitempty"`
	Charges    []sourceCharge `json:",omitempty"`
}

type sourceSite struct {
	ID string `json:"Id"`
}

type sourceCharge struct{ Code string }

func line(t *rapid.T) sourceLine {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ \"\\\n\u00fc\u6771\U0001F600</&")), 0, 2, 10)
	l := sourceLine{Kind: rapid.SampledFrom([]string{"Item", "Gift", ""}).Draw(t, "kind"), RecID: rapid.Int64().Draw(t, "recid")}
	l.Item, l.Name = rapid.Ptr(text, true).Draw(t, "item"), rapid.Ptr(text, true).Draw(t, "name")
	l.Free = rapid.Ptr(rapid.Bool(), true).Draw(t, "free")
	if id := text.Draw(t, "site"); id != "" {
		l.Site = &sourceSite{id}
	}
	for _, code := range rapid.SliceOfN(rapid.StringMatching(`[A-Z]{0,3}`), 0, 3).Draw(t, "codes") {
		l.Charges = append(l.Charges, sourceCharge{code})
	}
	return l
}

type targetLine struct {
	Item    string          `json:"item"`
	RecID   int64           `json:"recid"`
	Free    *bool           `json:"free,omitempty"`
	Charges *[]targetCharge `json:"charges,omitempty"`
}

type targetCharge struct {
	Code *string `json:"code"`
}

// filledText is nil for a blank text.
func filledText(s string) *string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return &s
}

func objects(lines []sourceLine) []targetLine {
	out := []targetLine{}
	for _, l := range lines {
		if l.Kind != "Item" {
			continue
		}
		o := targetLine{Item: "-", RecID: l.RecID, Free: l.Free}
		if l.Item != nil && filledText(*l.Item) != nil {
			o.Item = *l.Item
		}
		if l.Charges != nil {
			charges := []targetCharge{}
			for _, c := range l.Charges {
				charges = append(charges, targetCharge{filledText(c.Code)})
			}
			o.Charges = &charges
		}
		out = append(out, o)
	}
	return out
}

// notes leaves out the members that the source leaves out; a blank text is null.
func notes(t *rapid.T, lines []sourceLine) []json.RawMessage {
	out := []json.RawMessage{}
	for _, l := range lines {
		var members []string
		member := func(name string, v any) {
			members = append(members, fmt.Sprintf("%q:%s", name, marshal(t, v)))
		}
		if l.Name != nil {
			member("Name", filledText(*l.Name))
		}
		if l.Site != nil {
			member("with, comma", filledText(l.Site.ID))
		}
		if l.Charges != nil {
			codes := []string{}
			for _, c := range l.Charges {
				if c.Code != "" {
					codes = append(codes, c.Code)
				}
			}
			member("codes", codes)
		}
		out = append(out, json.RawMessage("{"+strings.Join(members, ",")+"}"))
	}
	return out
}
