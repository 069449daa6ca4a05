package flow

import (
	"context"
	"fmt"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/fault"
	"crosswalk/shared/finops"
	"crosswalk/shared/link"
	"crosswalk/shared/schema"
)

// FnOTarget writes the target rows of one plan to Finance & Operations. A row's id is the text of its key, such as
// usmf/US-001. Stale ETags aren't used: what F&O does with them is UNCONFIRMED.
type FnOTarget struct {
	client  *finops.Client
	set     string
	columns []string
	key     []keyColumn
}

type keyColumn struct {
	name   string
	quoted bool
}

// NewFnOTarget returns a writer of the plan's target entity. The plan's key must be of texts and numbers.
func NewFnOTarget(client *finops.Client, plan *contract.Plan) (*FnOTarget, error) {
	t := &FnOTarget{client: client, set: plan.TargetSet(), columns: plan.TargetColumns()}
	entity, ok := schema.Lookup(plan.To.System, plan.To.Entity)
	if !ok {
		return nil, fmt.Errorf("%s: no schema of %s", plan.Name, plan.To.Entity)
	}
	for _, name := range plan.To.Key {
		column, ok := entity.Column(name)
		if !ok || column.Kind != schema.Text && column.Kind != schema.Integer {
			return nil, fmt.Errorf("%s: the key column %s of %s is neither a text nor a whole number", plan.Name, name, plan.To.Entity)
		}
		t.key = append(t.key, keyColumn{name, column.Kind == schema.Text})
	}
	return t, nil
}

// Traits implements [Target].
func (t *FnOTarget) Traits() link.Traits { return link.Traits{KeyIsID: true} }

// Find implements [Target].
func (t *FnOTarget) Find(ctx context.Context, r *contract.Record) (link.Row, error) {
	return t.Read(ctx, r.KeyText())
}

// Read implements [Target].
func (t *FnOTarget) Read(ctx context.Context, id string) (link.Row, error) {
	key, err := t.parse(id)
	if err != nil {
		return link.Row{}, err
	}
	row, err := t.client.Read(ctx, t.set, key, t.columns)
	return link.Row{ID: id, ETag: row.ETag, JSON: row.JSON}, asCondition(err)
}

// Equal implements [Target].
func (t *FnOTarget) Equal(_ context.Context, row link.Row, r *contract.Record) (bool, error) {
	return r.Same(row.JSON)
}

// Create implements [Target] with a POST.
func (t *FnOTarget) Create(ctx context.Context, _ string, r *contract.Record) error {
	return asCondition(t.client.Post(ctx, t.set, r.JSON(true)))
}

// Update implements [Target] with a PATCH, which never creates.
func (t *FnOTarget) Update(ctx context.Context, id, _ string, r *contract.Record) error {
	key, err := t.parse(id)
	if err != nil {
		return err
	}
	return asCondition(t.client.Patch(ctx, t.set, key, r.JSON(false)))
}

// Delete implements [Target].
func (t *FnOTarget) Delete(ctx context.Context, id, _ string) error {
	key, err := t.parse(id)
	if err != nil {
		return err
	}
	return asCondition(t.client.Delete(ctx, t.set, key))
}

var keyUnescapes = strings.NewReplacer("%2F", "/", "%25", "%")

// parse takes a key's text, see [contract.Record.KeyText], apart again.
func (t *FnOTarget) parse(id string) ([]finops.KeyValue, error) {
	parts := strings.Split(id, "/")
	if len(parts) != len(t.key) {
		return nil, &fault.Error{Kind: fault.Misconfigured, Reason: "link-unreadable",
			Detail: fmt.Sprintf("the link holds a key of %d values for %s, whose key has %d", len(parts), t.set, len(t.key))}
	}
	key := make([]finops.KeyValue, len(parts))
	for i, part := range parts {
		key[i] = finops.KeyValue{Name: t.key[i].name, Value: keyUnescapes.Replace(part), Quoted: t.key[i].quoted}
	}
	return key, nil
}
