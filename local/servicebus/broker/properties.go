package broker

import (
	"fmt"
	"maps"
	"time"
)

// profile is what an entity is besides what it does.
type profile struct {
	created, updated time.Time
	accessed         time.Time // last sent to or received from, zero for never
	maxMessageSize   int       // zero for the broker's
	metadata         map[string]string
}

func (b *Broker) newProfile(maxMessageSize int, metadata map[string]string) profile {
	now := b.now()
	return profile{created: now, updated: now, maxMessageSize: maxMessageSize, metadata: maps.Clone(metadata)}
}

// messageLimit is the largest message in bytes that may be sent to t.
func (t *entity) messageLimit() int {
	if t.maxMessageSize > 0 {
		return t.maxMessageSize
	}
	return t.b.maxMessageSize
}

// MessageLimit is the limit of one message in bytes at an address, the broker's own for what isn't there.
func (b *Broker) MessageLimit(address string) int {
	b.begin()
	defer b.end()
	if t, err := b.find(address); err == nil {
		return t.messageLimit()
	}
	return b.maxMessageSize
}

// UpdateQueue gives a queue new settings; messages that are there keep the life and the lock they have. RequiresSession
// and whether duplicates are detected can't change. ErrNotFound, ErrNotAllowed (no queue), ErrInvalid.
func (b *Broker) UpdateQueue(name string, p QueueProperties) error {
	b.begin()
	defer b.end()
	t, err := b.ofKind(name, kindQueue)
	if err != nil {
		return err
	}
	if err := t.keeps(p.RequiresSession, p.DuplicateDetection); err != nil {
		return err
	}
	err = t.change(SubscriptionProperties{
		LockDuration: p.LockDuration, DefaultTTL: p.DefaultTTL, MaxDeliveryCount: p.MaxDeliveryCount,
		RequiresSession: p.RequiresSession, DeadLetterOnExpiry: p.DeadLetterOnExpiry,
		ForwardTo: p.ForwardTo, ForwardDeadLetteredTo: p.ForwardDeadLetteredTo, Status: p.Status, Metadata: p.Metadata,
	})
	if err != nil {
		return err
	}
	t.maxSize, t.maxMessageSize = p.MaxSize, p.MaxMessageSize
	t.history.widen(p.DuplicateDetection)
	b.changed(t)
	return nil
}

// UpdateTopic gives a topic new settings, as UpdateQueue does.
func (b *Broker) UpdateTopic(name string, p TopicProperties) error {
	b.begin()
	defer b.end()
	t, err := b.ofKind(name, kindTopic)
	if err != nil {
		return err
	}
	if err := t.keeps(false, p.DuplicateDetection); err != nil {
		return err
	}
	t.defaultTTL, t.maxSize, t.status = p.DefaultTTL, p.MaxSize, p.Status
	t.maxMessageSize, t.metadata = p.MaxMessageSize, maps.Clone(p.Metadata)
	t.history.widen(p.DuplicateDetection)
	b.changed(t)
	return nil
}

// UpdateSubscription gives a subscription new settings, as UpdateQueue does. Its rules stay: p.Rules isn't looked at.
func (b *Broker) UpdateSubscription(topic, name string, p SubscriptionProperties) error {
	b.begin()
	defer b.end()
	t, err := b.ofKind(subscriptionPath(topic, name), kindSubscription)
	if err != nil {
		return err
	}
	if err := t.keeps(p.RequiresSession, 0); err != nil {
		return err
	}
	if err := t.change(p); err != nil {
		return err
	}
	t.deadLetterOnFilterError = p.DeadLetterOnFilterError
	b.changed(t)
	return nil
}

func subscriptionPath(topic, name string) string { return topic + "/Subscriptions/" + name }

func (b *Broker) ofKind(address string, k kind) (*entity, error) {
	t, err := b.find(address)
	if err == nil && t.kind != k {
		err = t.refuse(ErrNotAllowed)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// keeps refuses to change what can't change.
func (t *entity) keeps(session bool, window time.Duration) error {
	switch {
	case session != t.requiresSession:
		return fmt.Errorf("%w: %s: whether sessions are required can't change", ErrInvalid, t.path)
	case window > 0 != (t.history != nil):
		return fmt.Errorf("%w: %s: whether duplicates are detected can't change", ErrInvalid, t.path)
	}
	return nil
}

// change gives a queue or subscription the settings both have.
func (t *entity) change(p SubscriptionProperties) error {
	if err := t.b.checkReceivable(t, p); err != nil {
		return err
	}
	t.receivable(p)
	t.status, t.metadata = p.Status, maps.Clone(p.Metadata)
	t.deadLetter.forwardTo = p.ForwardDeadLetteredTo
	t.deadLetter.lockDuration, t.transfer.lockDuration = t.lockDuration, t.lockDuration
	return nil
}

// changed notes that an entity's settings are new and wakes who waits at it.
func (b *Broker) changed(t *entity) {
	t.updated = b.now()
	b.recorder.define(t)
	if t.deadLetter != nil {
		b.recorder.define(t.deadLetter)
		b.recorder.define(t.transfer)
	}
	b.wakeAll(t)
}

// widen sets how long ids are remembered from now on.
func (h *history) widen(window time.Duration) {
	if h != nil && window > 0 {
		h.window = window
	}
}
