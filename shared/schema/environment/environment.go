// Package environment reads from a Dataverse or F&O environment what its entities look like, as the snapshots in package
// schema hold it.
//
// An environment doesn't tell everything. What it leaves open is kept from the snapshot there was, and Pulled.Kept names
// it, so that nothing known is lost and nobody takes it for confirmed.
package environment

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
	"crosswalk/shared/schema"
)

// Pulled is what an environment told about one entity.
type Pulled struct {
	// Document is the new snapshot.
	Document *schema.Document
	// Kept names what the environment didn't tell; its value is the old snapshot's. Each list is sorted, by part and column.
	Kept []Untold
	// Unknown names what the environment didn't tell and no old snapshot knows.
	Unknown []Untold
	// LeftOut names the columns that a snapshot can't hold, with their type: "cw_photo (ImageType)".
	LeftOut []string
	// Notes are further sentences for a person, such as an alternate key whose index isn't ready.
	Notes []string
}

// Untold is a part of a column that the environment's metadata doesn't tell.
type Untold struct {
	// Part is "length", "default", "precision" and the like.
	Part string
	// Column is the column's name, "" for a part of the entity.
	Column string
}

// Client reads the metadata of one environment. It only reads.
type Client struct {
	system string
	odata  *odata.Client
}

// How long one call may take and how large its answer may be: F&O's $metadata has tens of megabytes.
const (
	timeout   = 5 * time.Minute
	maxAnswer = 256 << 20
)

// NewDataverse returns a client of a Dataverse environment; baseURL is DATAVERSE_URL. o may be nil.
func NewDataverse(baseURL string, credential azcore.TokenCredential, o *odata.Options) (*Client, error) {
	return newClient(schema.Dataverse, odata.Service{System: "Dataverse", Setting: "DATAVERSE_URL", BaseURL: baseURL, Root: "/api/data/v9.2/"}, credential, o)
}

// NewFnO returns a client of an F&O environment; baseURL is FNO_URL. o may be nil.
func NewFnO(baseURL string, credential azcore.TokenCredential, o *odata.Options) (*Client, error) {
	return newClient(schema.FnO, odata.Service{System: "F&O", Setting: "FNO_URL", BaseURL: baseURL, Root: "/data/"}, credential, o)
}

func newClient(system string, service odata.Service, credential azcore.TokenCredential, o *odata.Options) (*Client, error) {
	service.Judge = func(r *odata.Refusal) error { return r.General() }
	options := odata.Options{}
	if o != nil {
		options = *o
	}
	if options.Timeout <= 0 {
		options.Timeout = timeout
	}
	if options.MaxAnswer <= 0 {
		options.MaxAnswer = maxAnswer
	}
	options = odata.DefaultOptions(&options)
	options.Transport = documents{options.Transport}
	c, err := odata.NewClient(service, credential, &options)
	if err != nil {
		return nil, err
	}
	return &Client{system: system, odata: c}, nil
}

// documents asks for XML where $metadata is asked for, because no service promises it as JSON.
type documents struct {
	next interface {
		Do(*http.Request) (*http.Response, error)
	}
}

func (d documents) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/$metadata") {
		r = r.Clone(r.Context())
		r.Header.Set("Accept", "application/xml")
	}
	return d.next.Do(r)
}

// Pull reads an entity: a Dataverse table by its logical name (account), an F&O entity by its entity set (CustomersV3). old
// is the snapshot there was, or nil. label is F&O's label of the entity ("Customers V3"), by which lengths are found; "" is
// guessed from the entity set's name.
func (c *Client) Pull(ctx context.Context, entity, label string, old *schema.Document) (*Pulled, error) {
	p, err := newPull(entity, old)
	if err != nil {
		return nil, err
	}
	p.client = c
	if c.system == schema.Dataverse {
		err = p.table(ctx, entity)
	} else {
		err = p.entitySet(ctx, entity, label)
	}
	if err != nil {
		return nil, err
	}
	return p.sorted(), nil
}

// sorted returns what was pulled, with its lists in order.
func (p *pull) sorted() *Pulled {
	for _, list := range [][]Untold{p.pulled.Kept, p.pulled.Unknown} {
		slices.SortFunc(list, func(a, b Untold) int {
			return cmp.Or(strings.Compare(a.Part, b.Part), strings.Compare(a.Column, b.Column))
		})
	}
	slices.Sort(p.pulled.LeftOut)
	return p.pulled
}

func newPull(entity string, old *schema.Document) (*pull, error) {
	if !isName(entity) {
		return nil, fmt.Errorf("%q is no entity's name: letters, digits and _ only", entity)
	}
	if old != nil && old.Entity.Event != "" {
		return nil, fmt.Errorf("%s is an event: no environment's metadata describes its members", entity)
	}
	p := &pull{pulled: &Pulled{}, old: &schema.Entity{}}
	if old != nil {
		p.old = old.Entity
	}
	return p, nil
}

func isName(s string) bool {
	for _, r := range s {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return s != ""
}

// pull is one entity on its way.
type pull struct {
	client *Client
	old    *schema.Entity
	pulled *Pulled
}

// before returns what the old snapshot says of a column; known is false, and the column empty, where it says nothing.
func (p *pull) before(name string) (column schema.Column, known bool) {
	if c, ok := p.old.Column(name); ok {
		return *c, true
	}
	return schema.Column{}, false
}

// untold notes that the environment was silent about a part of a column that the old snapshot may know.
func (p *pull) untold(part, column string, has bool) {
	if has {
		p.pulled.Kept = append(p.pulled.Kept, Untold{part, column})
	} else {
		p.pulled.Unknown = append(p.pulled.Unknown, Untold{part, column})
	}
}

// displayName returns what the environment calls a column, or the entity where column is "": "" where that is its name.
// Silence keeps what the old snapshot says.
func (p *pull) displayName(told, old, column string) string {
	switch told = strings.TrimSpace(told); {
	case told == "" && old != "":
		p.untold("display name", column, true)
		return old
	case told == column:
		return "" // Salesforce labels a field without a label of its own by its name
	}
	return told
}

// get reads one JSON document of the metadata.
func (c *Client) get(ctx context.Context, path, query string, into any) error {
	answer, err := c.odata.Do(ctx, odata.Call{Purpose: odata.Read, Method: http.MethodGet, Set: path, Query: query})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return c.odata.Unreadable(answer)
	}
	return nil
}

func query(options ...string) string {
	var parts []string
	for i := 0; i+1 < len(options); i += 2 {
		parts = append(parts, options[i]+"="+strings.ReplaceAll(url.QueryEscape(options[i+1]), "+", "%20"))
	}
	return strings.Join(parts, "&")
}

// isMissing reports whether the environment hasn't got what was asked for.
func isMissing(err error) bool {
	e := fault.Of(err)
	return e != nil && e.Reason == odata.ReasonMissing
}

// keepOrder returns the old list where both hold the same, so that an order without meaning makes no difference in a file.
func keepOrder(now, old []string) []string {
	if slices.Equal(slices.Sorted(slices.Values(now)), slices.Sorted(slices.Values(old))) {
		return old
	}
	return now
}

// plain returns a JSON number without exponent and without zeros at its end: 1E+11 is 100000000000, 0.0 is 0. It returns ""
// for null, for nothing and for what is no number that a float64 could hold.
func plain(number jsontext.Value) string {
	d, err := decimal.NewFromString(string(number))
	if err != nil || d.Exponent() > mostExponent || d.Exponent() < -mostExponent {
		return ""
	}
	return d.String()
}

// mostExponent is about that of a float64, the widest type that has bounds; 1e999999999 would fill the memory.
const mostExponent = 400
