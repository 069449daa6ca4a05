package link_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"crosswalk/local/azurite"
	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/link/linktest"
	"crosswalk/shared/settle"
)

// service starts Azurite and returns a client of its tables.
func service(t *testing.T) *aztables.ServiceClient {
	t.Helper()
	node, err := filepath.Abs("../../local/node")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := azurite.Install(ctx, node, func(s string) { t.Log(s) }); err != nil {
		t.Skipf("no Azurite, so Table storage isn't tested: %v", err)
	}
	a, err := azurite.Start(ctx, azurite.Options{NodeDir: node})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	client, err := aztables.NewServiceClientFromConnectionString(a.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestTable(t *testing.T) {
	client := service(t)
	table := link.NewTable(client.NewClient(link.TableName))
	for range 2 { // the second time it exists
		if err := table.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	linktest.Run(t, func(*testing.T) link.Store { return table })

	t.Run("a whole flow", func(t *testing.T) {
		eachSystem(t, func(t *testing.T, traits link.Traits) {
			w := newWorld(traits)
			apply := func(value int) settle.Outcome {
				f := w.flow(true, open{})
				f.Store, f.Pair = table, t.Name()
				outcome, err := f.Apply(t.Context(), eventChange("K/#?%\\'", value))
				if err != nil {
					t.Fatal(err)
				}
				return outcome
			}
			wantOutcome(t, apply(2), settle.Delivered("created"))
			wantOutcome(t, apply(2), settle.NothingToDo("duplicate"))
			wantOutcome(t, apply(1), settle.NothingToDo("late"))
			wantOutcome(t, apply(3), settle.Delivered("updated"))
			w.want(t, map[string]int{"K/#?%\\'": 3})
		})
	})

	t.Run("a missing table is our fault", func(t *testing.T) {
		none := link.NewTable(client.NewClient("none"))
		key := link.Key{Pair: "p", Kind: "m", ID: "x"}
		_, _, get := none.Get(t.Context(), key)
		_, insert := none.Insert(t.Context(), key, []byte("{}"))
		for name, err := range map[string]error{"get": get, "insert": insert} {
			if errors.Is(err, link.ErrNoRow) || fault.KindOf(err) != fault.Misconfigured {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestTableOutOfReach(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client, err := aztables.NewClientWithNoCredential("http://127.0.0.1:1/account/"+link.TableName, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = link.NewTable(client).Get(ctx, link.Key{Pair: "p", Kind: "m", ID: "x"})
	if e := fault.Of(err); e == nil || e.Kind != fault.Transient || e.Reason != "link-unavailable" {
		t.Errorf("error %v", err)
	}
}
