package topology

import (
	"strings"
	"testing"
)

func TestInsertAddsOneLine(t *testing.T) {
	before := string(embedded)
	after, err := Insert(embedded, Function{Name: "lead-to-crm", Events: []Rule{{Type: "fno.lead.*"}}})
	if err != nil {
		t.Fatal(err)
	}
	const line = `    {"name": "lead-to-crm", "events": [{"type": "fno.lead.*"}]}`
	at := strings.LastIndex(before, "}\n  ]") + 1
	if want := before[:at] + ",\n" + line + before[at:]; string(after) != want {
		t.Errorf("gives\n%s", after)
	}
	first := before[:strings.Index(before, `"functions": [`)+len(`"functions": [`)] + "]\n}\n"
	after, err = Insert([]byte(first), Function{Name: "a", Events: []Rule{{Type: "fno.a"}}})
	if want := strings.TrimSuffix(first, "]\n}\n") + "\n" + `    {"name": "a", "events": [{"type": "fno.a"}]}` + "\n  ]\n}\n"; err != nil || string(after) != want {
		t.Errorf("into an empty list: %v\n%s", err, after)
	}
}

func TestInsertRefusesWhatParseRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		f    Function
	}{
		"a name that is taken": {string(embedded), Function{Name: Default().Functions[0].Name, Events: []Rule{{Type: "fno.a"}}}},
		"no event":             {string(embedded), Function{Name: "a"}},
		"no list":              {`{"topic": {"functions": []}}`, Function{Name: "a", Events: []Rule{{Type: "fno.a"}}}},
		"no JSON":              {`{`, Function{Name: "a", Events: []Rule{{Type: "fno.a"}}}},
	} {
		if out, err := Insert([]byte(tt.text), tt.f); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}
