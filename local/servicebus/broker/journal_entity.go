package broker

import (
	"time"
)

// definition is what the journal keeps of an entity beside its messages: everything an administrator can set.
type definition struct {
	Path   string
	Kind   kind
	Owner  uint32 `json:",omitempty"` // number of the topic, or of a sub-queue's entity
	Status Status `json:",omitempty"`

	LockDuration            time.Duration
	DefaultTTL              time.Duration    `json:",omitempty"`
	MaxDeliveryCount        int              `json:",omitempty"`
	RequiresSession         bool             `json:",omitempty"`
	DeadLetterOnExpiry      bool             `json:",omitempty"`
	DeadLetterOnFilterError bool             `json:",omitempty"`
	ForwardTo               string           `json:",omitempty"`
	MaxSize                 int64            `json:",omitempty"`
	DuplicateDetection      time.Duration    `json:",omitempty"`
	Rules                   []ruleDefinition `json:",omitempty"`

	Created, Updated time.Time
	MaxMessageSize   int               `json:",omitempty"`
	Metadata         map[string]string `json:",omitempty"`
}

func (t *entity) definition() (definition, error) {
	d := definition{
		Path: t.path, Kind: t.kind, Status: t.status,
		LockDuration: t.lockDuration, DefaultTTL: t.defaultTTL, MaxDeliveryCount: t.maxDeliveryCount,
		RequiresSession: t.requiresSession, DeadLetterOnExpiry: t.deadLetterOnExpiry,
		DeadLetterOnFilterError: t.deadLetterOnFilterError, ForwardTo: t.forwardTo, MaxSize: t.maxSize,
		Created: t.created, Updated: t.updated, MaxMessageSize: t.maxMessageSize, Metadata: t.metadata,
	}
	if t.owner != nil {
		d.Owner = t.owner.number
	}
	if t.history != nil {
		d.DuplicateDetection = t.history.window
	}
	for _, r := range t.rules {
		rd, err := r.source.definition(t.b.codec)
		if err != nil {
			return d, err
		}
		d.Rules = append(d.Rules, rd)
	}
	return d, nil
}

// redefine gives an entity the settings of a definition. Messages keep theirs.
func (t *entity) redefine(d definition) error {
	t.status, t.lockDuration, t.defaultTTL, t.maxDeliveryCount = d.Status, d.LockDuration, d.DefaultTTL, d.MaxDeliveryCount
	t.requiresSession, t.deadLetterOnExpiry = d.RequiresSession, d.DeadLetterOnExpiry
	t.deadLetterOnFilterError, t.forwardTo, t.maxSize = d.DeadLetterOnFilterError, d.ForwardTo, d.MaxSize
	t.created, t.updated, t.maxMessageSize, t.metadata = d.Created, d.Updated, d.MaxMessageSize, d.Metadata
	switch {
	case t.history == nil || d.DuplicateDetection <= 0:
		t.history = newHistory(d.DuplicateDetection)
	default:
		t.history.window = d.DuplicateDetection
	}
	if t.kind != kindSubscription {
		return nil
	}
	rules := []Rule{}
	for _, rd := range d.Rules {
		r, err := rd.rule(t.b.codec)
		if err != nil {
			return err
		}
		rules = append(rules, r)
	}
	compiled, err := compileRules(rules)
	t.rules = compiled
	return err
}

// renumber gives an entity its number in the journal, which no other has had.
func (b *Broker) renumber(t *entity, number uint32) {
	t.number = number
	b.numbered[number] = t
	b.lastNumber = max(b.lastNumber, number)
}
