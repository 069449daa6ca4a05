package flow

import (
	"context"
	"fmt"

	"crosswalk/shared/contract"
	"crosswalk/shared/fault"
	"crosswalk/shared/finops"
	"crosswalk/shared/link"
	"crosswalk/shared/schema"
)

// FnOSource reads the source rows of one plan from Finance & Operations. A row's id is the text of its primary key, such as
// usmf/US-001, see [schema.KeyText].
type FnOSource struct {
	client  *finops.Client
	set     string
	columns []string
	key     entityKey
}

// NewFnOSource returns a reader of the plan's source entity.
func NewFnOSource(client *finops.Client, plan *contract.Plan) (*FnOSource, error) {
	entity := plan.SourceEntity()
	if entity.VirtualTable == "" {
		return nil, fmt.Errorf("%s: the schema of %s names no virtual table, so no data event could be recognised as one of its rows'", plan.Name, plan.From.Entity)
	}
	return &FnOSource{client, plan.SourceSet(), plan.SourceColumns(), newEntityKey(entity, entity.PrimaryKey)}, nil
}

// Read implements [RowReader].
func (s *FnOSource) Read(ctx context.Context, id string) ([]byte, error) {
	key, ok := s.key.values(id)
	if !ok {
		return nil, fault.Reject("bad-value", "subject", fmt.Sprintf("the event's subject doesn't have the %d values of the key of %s", len(s.key), s.set))
	}
	row, err := s.client.Read(ctx, s.set, key, s.columns)
	return row.JSON, asCondition(err)
}

// FnOTarget writes the target rows of one plan to Finance & Operations. A row's id is the text of its key, such as
// usmf/US-001. Stale ETags aren't used: what F&O does with them is UNCONFIRMED.
type FnOTarget struct {
	client  *finops.Client
	set     string
	columns []string
	key     entityKey
}

// NewFnOTarget returns a writer of the plan's target entity.
func NewFnOTarget(client *finops.Client, plan *contract.Plan) *FnOTarget {
	return &FnOTarget{client, plan.TargetSet(), plan.TargetColumns(), newEntityKey(plan.TargetEntity(), plan.To.Key)}
}

// entityKey is the columns of an entity's key, in the order of a key text's values.
type entityKey []*schema.Column

func newEntityKey(entity *schema.Entity, columns []string) entityKey {
	var out entityKey
	for _, name := range columns {
		if column, ok := entity.Column(name); ok { // else the contract has a finding
			out = append(out, column)
		}
	}
	return out
}

// values takes a key's text apart; false where it has another number of values.
func (k entityKey) values(text string) ([]finops.KeyValue, bool) {
	parts := schema.KeyValues(text)
	if len(parts) != len(k) {
		return nil, false
	}
	out := make([]finops.KeyValue, len(parts))
	for i, part := range parts {
		literal, quoted := schema.KeyLiteral(schema.FnO, k[i], part)
		out[i] = finops.KeyValue{Name: k[i].Name, Value: literal, Quoted: quoted}
	}
	return out, true
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

func (t *FnOTarget) parse(id string) ([]finops.KeyValue, error) {
	key, ok := t.key.values(id)
	if !ok {
		return nil, &fault.Error{Kind: fault.Misconfigured, Reason: "link-unreadable",
			Detail: fmt.Sprintf("the link holds a key for %s that doesn't have the %d values of that entity's", t.set, len(t.key))}
	}
	return key, nil
}
