package broker

import (
	"fmt"
	"strings"
	"time"
)

// The defaults and limits of entities (Service Bus documentation, pages on quotas and on locks).
const (
	DefaultLockDuration     = time.Minute
	MaxLockDuration         = 5 * time.Minute
	DefaultMaxDeliveryCount = 10
	maxPathLength           = 260
	maxSubscriptionLength   = 50
)

// The last parts of the addresses of sub-queues.
const (
	DeadLetterSuffix         = "/$DeadLetterQueue"
	TransferDeadLetterSuffix = "/$Transfer/$DeadLetterQueue"
)

// Status says what an entity is open for. A sub-queue has the status of its entity.
type Status int

// The statuses of an entity. Settling what is locked already works under each of them.
const (
	Enabled Status = iota
	Disabled
	SendDisabled
	ReceiveDisabled
)

// QueueProperties are the settings of a queue; zero values stand for Service Bus's defaults.
type QueueProperties struct {
	LockDuration     time.Duration // one minute when zero, five at most
	DefaultTTL       time.Duration // the longest life of a message, zero for ever
	MaxDeliveryCount int           // 10 when zero
	RequiresSession  bool
	// DuplicateDetection is how long message ids are remembered, zero for not at all.
	DuplicateDetection time.Duration
	DeadLetterOnExpiry bool
	// ForwardTo and ForwardDeadLetteredTo name queues or topics that exist.
	ForwardTo, ForwardDeadLetteredTo string
	// MaxSize in bytes, sub-queues included; zero for no limit.
	MaxSize int64
	Status  Status
	// MaxMessageSize in bytes, the broker's limit when zero.
	MaxMessageSize int
	// Metadata is told again by [Broker.Describe]; the broker itself doesn't look at it.
	Metadata map[string]string
}

// TopicProperties are the settings of a topic.
type TopicProperties struct {
	DefaultTTL         time.Duration
	DuplicateDetection time.Duration
	// MaxSize in bytes of all subscriptions together; zero for no limit.
	MaxSize int64
	Status  Status
	// MaxMessageSize and Metadata are as with queues.
	MaxMessageSize int
	Metadata       map[string]string
}

// SubscriptionProperties are the settings of a subscription, like those of a queue.
type SubscriptionProperties struct {
	LockDuration, DefaultTTL time.Duration
	MaxDeliveryCount         int
	RequiresSession          bool
	DeadLetterOnExpiry       bool
	// DeadLetterOnFilterError sends a message whose filter fails to evaluate to the dead-letter queue; without it the
	// filter counts as not matching.
	DeadLetterOnFilterError          bool
	ForwardTo, ForwardDeadLetteredTo string
	// Rules select what the subscription gets: what matches one of them. Nil stands for one rule that takes all; an
	// empty slice takes nothing.
	Rules  []Rule
	Status Status
	// Metadata is as with queues.
	Metadata map[string]string
}

type kind int

const (
	kindQueue kind = iota
	kindTopic
	kindSubscription
	kindDeadLetter
	kindTransfer
)

// entity is anything with an address: a queue, a subscription, a sub-queue of either, or a topic, which holds
// scheduled messages only.
type entity struct {
	b      *Broker
	number uint32 // in the journal
	path   string // as it was created
	kind   kind
	owner  *entity // of a sub-queue its entity, of a subscription its topic
	status Status
	profile

	lockDuration            time.Duration
	defaultTTL              time.Duration
	maxDeliveryCount        int
	requiresSession         bool
	deadLetterOnExpiry      bool
	deadLetterOnFilterError bool
	forwardTo               string
	maxSize                 int64

	deadLetter, transfer *entity   // of queues and subscriptions
	subscriptions        []*entity // of a topic
	rules                []*rule   // of a subscription
	history              *history  // nil without duplicate detection

	lastSequence int64
	ledger       ledger           // every message that is here
	ready        heap             // those that can be received; with sessions, the alarms of those that can be accepted
	locks        map[token]*entry // those under lock
	sessions     map[string]*session
	sessionLocks map[token]*session
	counts       [phases]int // of each phase
	size         int64       // bytes, kept at the queue or topic for all that belongs to it
	watchers     []*func()
}

type token = [16]byte

func (b *Broker) newEntity(path string, k kind, owner *entity) *entity {
	return &entity{
		b: b, path: path, kind: k, owner: owner,
		lockDuration: DefaultLockDuration, maxDeliveryCount: DefaultMaxDeliveryCount,
		ready: newReadyHeap(), locks: map[token]*entry{},
	}
}

// CreateQueue makes a queue with its two sub-queues. ErrExists, ErrInvalid, or ErrNotFound for a target of forwarding.
func (b *Broker) CreateQueue(name string, p QueueProperties) error {
	b.begin()
	defer b.end()
	t := b.newEntity(name, kindQueue, nil)
	t.status, t.maxSize = p.Status, p.MaxSize
	t.profile = b.newProfile(p.MaxMessageSize, p.Metadata)
	t.history = newHistory(p.DuplicateDetection)
	if err := checkPath(name); err != nil {
		return err
	}
	return b.addReceivable(t, SubscriptionProperties{
		LockDuration: p.LockDuration, DefaultTTL: p.DefaultTTL, MaxDeliveryCount: p.MaxDeliveryCount,
		RequiresSession: p.RequiresSession, DeadLetterOnExpiry: p.DeadLetterOnExpiry,
		ForwardTo: p.ForwardTo, ForwardDeadLetteredTo: p.ForwardDeadLetteredTo,
	})
}

// CreateTopic makes a topic without subscriptions: what is sent to it is dropped. ErrExists, ErrInvalid.
func (b *Broker) CreateTopic(name string, p TopicProperties) error {
	b.begin()
	defer b.end()
	t := b.newEntity(name, kindTopic, nil)
	t.profile = b.newProfile(p.MaxMessageSize, p.Metadata)
	t.status, t.maxSize, t.defaultTTL = p.Status, p.MaxSize, p.DefaultTTL
	t.history = newHistory(p.DuplicateDetection)
	if err := checkPath(name); err != nil {
		return err
	}
	return b.add(t)
}

// CreateSubscription makes a subscription with its two sub-queues. ErrExists, ErrInvalid, or ErrNotFound for the topic
// or a target of forwarding; a rule that can't be compiled is ErrInvalid.
func (b *Broker) CreateSubscription(topic, name string, p SubscriptionProperties) error {
	b.begin()
	defer b.end()
	owner, err := b.find(topic)
	if err != nil {
		return err
	}
	if owner.kind != kindTopic {
		return owner.refuse(ErrNotAllowed)
	}
	if checkPath(name) != nil || len(name) > maxSubscriptionLength || strings.Contains(name, "/") {
		return fmt.Errorf("%w: %q is no name for a subscription, which has 1 to %d characters", ErrInvalid, name, maxSubscriptionLength)
	}
	t := b.newEntity(owner.path+"/Subscriptions/"+name, kindSubscription, owner)
	t.status, t.deadLetterOnFilterError = p.Status, p.DeadLetterOnFilterError
	t.profile = b.newProfile(0, p.Metadata)
	if t.rules, err = compileRules(p.Rules); err != nil {
		return err
	}
	if err := b.addReceivable(t, p); err != nil {
		return err
	}
	owner.subscriptions = append(owner.subscriptions, t)
	return nil
}

// checkReceivable checks what queues and subscriptions have in common.
func (b *Broker) checkReceivable(t *entity, p SubscriptionProperties) error {
	if p.LockDuration < 0 || p.LockDuration > MaxLockDuration || p.MaxDeliveryCount < 0 || p.DefaultTTL < 0 {
		return fmt.Errorf("%w: %s: lock duration, delivery count or time to live is out of range", ErrInvalid, t.path)
	}
	if p.RequiresSession && p.ForwardTo != "" {
		return fmt.Errorf("%w: %s: an entity with sessions can't forward", ErrInvalid, t.path)
	}
	for _, target := range []string{p.ForwardTo, p.ForwardDeadLetteredTo} {
		if target == "" {
			continue
		}
		if to, err := b.find(target); err != nil {
			return fmt.Errorf("%s forwards: %w", t.path, err)
		} else if !to.sendable() {
			return fmt.Errorf("%s forwards: %w", t.path, to.refuse(ErrNotAllowed))
		}
	}
	return nil
}

// receivable fills in what queues and subscriptions have in common.
func (t *entity) receivable(p SubscriptionProperties) {
	t.lockDuration, t.maxDeliveryCount = DefaultLockDuration, DefaultMaxDeliveryCount
	if p.LockDuration > 0 {
		t.lockDuration = p.LockDuration
	}
	if p.MaxDeliveryCount > 0 {
		t.maxDeliveryCount = p.MaxDeliveryCount
	}
	t.defaultTTL, t.requiresSession, t.deadLetterOnExpiry = p.DefaultTTL, p.RequiresSession, p.DeadLetterOnExpiry
	t.forwardTo = p.ForwardTo
}

// addReceivable adds a queue or subscription with its sub-queues.
func (b *Broker) addReceivable(t *entity, p SubscriptionProperties) error {
	if err := b.checkReceivable(t, p); err != nil {
		return err
	}
	t.receivable(p)
	t.deadLetter = b.newEntity(t.path+DeadLetterSuffix, kindDeadLetter, t)
	t.transfer = b.newEntity(t.path+TransferDeadLetterSuffix, kindTransfer, t)
	t.deadLetter.lockDuration, t.transfer.lockDuration = t.lockDuration, t.lockDuration
	t.deadLetter.forwardTo = p.ForwardDeadLetteredTo
	return b.add(t, t.deadLetter, t.transfer)
}

func (b *Broker) add(ts ...*entity) error {
	for _, t := range ts {
		if _, taken := b.entities[foldASCII(t.path)]; taken {
			return fmt.Errorf("%w: %s", ErrExists, t.path)
		}
	}
	for _, t := range ts {
		b.entities[foldASCII(t.path)] = t
		b.renumber(t, b.lastNumber+1)
		b.recorder.define(t)
	}
	return nil
}

// Delete removes a queue, a topic with its subscriptions, or a subscription, with all messages. ErrNotFound;
// ErrNotAllowed for a sub-queue.
func (b *Broker) Delete(address string) error {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return err
	}
	if t.isSubQueue() {
		return t.refuse(ErrNotAllowed)
	}
	b.drop(t)
	return nil
}

// drop removes an entity with all that goes with it.
func (b *Broker) drop(t *entity) {
	b.recorder.drop(t)
	if t.kind == kindSubscription {
		for i, s := range t.owner.subscriptions {
			if s == t {
				t.owner.subscriptions = append(t.owner.subscriptions[:i:i], t.owner.subscriptions[i+1:]...)
				break
			}
		}
	}
	for _, gone := range t.family() {
		for e := range gone.ledger.from(0) {
			gone.leaveKept(e)
		}
		gone.ledger = ledger{}
		for _, s := range gone.sessionLocks {
			b.timers.remove(&s.alarm)
			b.awakeSessions[s] = struct{}{}
		}
		delete(b.entities, foldASCII(gone.path))
		delete(b.numbered, gone.number)
		b.awake[gone] = struct{}{}
	}
}

// SetStatus opens or closes an entity. ErrNotFound; ErrNotAllowed for a sub-queue.
func (b *Broker) SetStatus(address string, s Status) error {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return err
	}
	if t.isSubQueue() {
		return t.refuse(ErrNotAllowed)
	}
	t.status = s
	b.recorder.define(t)
	b.wakeAll(t)
	return nil
}

// Exists returns nil, ErrNotFound, or ErrDisabled when the entity is closed altogether.
func (b *Broker) Exists(address string) error {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return err
	}
	if t.statusOf() == Disabled {
		return t.refuse(ErrDisabled)
	}
	return nil
}

// find returns the entity at an address.
func (b *Broker) find(address string) (*entity, error) {
	if t := b.entities[foldASCII(address)]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNotFound, address)
}

// family is the entity and all that goes with it.
func (t *entity) family() []*entity {
	all := []*entity{t}
	if t.deadLetter != nil {
		all = append(all, t.deadLetter, t.transfer)
	}
	for _, s := range t.subscriptions {
		all = append(all, s.family()...)
	}
	return all
}

func (t *entity) isSubQueue() bool { return t.kind == kindDeadLetter || t.kind == kindTransfer }

func (t *entity) sendable() bool { return t.kind == kindQueue || t.kind == kindTopic }

// statusOf is the entity's own status or, of a sub-queue, its entity's.
func (t *entity) statusOf() Status {
	if t.isSubQueue() {
		return t.owner.status
	}
	return t.status
}

// root is the entity whose size limit counts.
func (t *entity) root() *entity {
	for t.owner != nil {
		t = t.owner
	}
	return t
}

// nextSequence numbers a message.
func (t *entity) nextSequence() int64 {
	t.lastSequence++
	t.b.recorder.number(t)
	return t.lastSequence
}

// refuse adds the entity's address to an error.
func (t *entity) refuse(err error) error { return fmt.Errorf("%w: %s", err, t.path) }

func checkPath(name string) error {
	bad := name == "" || len(name) > maxPathLength || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") ||
		strings.Contains(foldASCII(name), "/subscriptions/")
	for _, r := range name {
		bad = bad || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/~", r))
	}
	if bad {
		return fmt.Errorf("%w: %q is no name for a queue or topic", ErrInvalid, name)
	}
	return nil
}
