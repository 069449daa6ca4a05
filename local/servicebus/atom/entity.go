package atom

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strings"

	"crosswalk/local/servicebus/broker"
)

// namespace answers with what the namespace is.
func (q query) namespace() error {
	type info struct {
		XMLName        xml.Name `xml:"http://schemas.microsoft.com/netservices/2010/10/servicebus/connect NamespaceInfo"`
		Instance       string   `xml:"xmlns:i,attr"`
		CreatedTime    string
		MessagingSKU   string
		MessagingUnits *int `xml:",omitempty"`
		ModifiedTime   string
		Name           string
		NamespaceType  string
	}
	if q.r.Method != http.MethodGet {
		return refuse(http.StatusMethodNotAllowed, "SubCode=40500. %s is not supported", q.r.Method)
	}
	h, at := q.h, timestamp(q.h.started)
	answer := info{
		Instance: nsInstance, CreatedTime: at, ModifiedTime: at, MessagingSKU: "Standard",
		Name: h.o.Namespace, NamespaceType: "Messaging",
	}
	if h.o.Premium {
		units := 1
		answer.MessagingSKU, answer.MessagingUnits = "Premium", &units
	}
	return h.write(q.w, q.r, http.StatusOK, "entry", h.entry(q.r, "$namespaceinfo", h.o.Namespace, h.started, h.started, answer))
}

// list answers with a page of a collection.
func (q query) list() error {
	if q.r.Method != http.MethodGet {
		return refuse(http.StatusMethodNotAllowed, "SubCode=40500. %s is not supported", q.r.Method)
	}
	skip, top, err := q.paging()
	if err != nil {
		return err
	}
	b := q.h.o.Broker
	var found []broker.Description
	name := "Queues"
	switch q.target.kind {
	case kindRules:
		return q.listRules(skip, top)
	case kindQueues:
		found = b.Queues(skip, top+1)
	case kindTopics:
		name, found = "Topics", b.Topics(skip, top+1)
	case kindSubscriptions:
		name = "Subscriptions"
		if found, err = b.Subscriptions(q.target.topic, skip, top+1); err != nil {
			return err
		}
	}
	entries := make([]entry, 0, len(found))
	for _, d := range found {
		entries = append(entries, q.entryOf(d))
	}
	entries, next := q.pageOf(entries, skip, top)
	return q.h.writeFeed(q.w, q.r, q.target.path, name, entries, next...)
}

func (q query) getEntity() error {
	d, err := q.h.o.Broker.Describe(q.target.path)
	if errors.Is(err, broker.ErrNotFound) {
		return q.h.writeMissing(q.w, q.r, q.target.path)
	}
	if err != nil {
		return err
	}
	return q.h.write(q.w, q.r, http.StatusOK, "entry", q.entryOf(d))
}

// tell answers a PUT with the entity as it is now.
func (q query) tell(err error) error {
	if err != nil {
		return err
	}
	d, err := q.h.o.Broker.Describe(q.target.path)
	if err != nil {
		return err
	}
	code := http.StatusCreated
	if q.updating() {
		code = http.StatusOK
	}
	return q.h.write(q.w, q.r, code, "entry", q.entryOf(d))
}

func (q query) putEntity() error {
	d, err := read[description](q.r)
	if err != nil {
		return err
	}
	was, err := q.before()
	if err != nil {
		return err
	}
	s, err := q.settings(d, was)
	if err != nil {
		return err
	}
	if was != nil && was.XMLName.Local != d.XMLName.Local {
		return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. The entity is of another kind")
	}
	switch d.XMLName.Local {
	case nameQueue:
		err = q.putQueue(d, was, s)
	case nameTopic:
		err = q.putTopic(d, was, s)
	default:
		return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. Neither a queue nor a topic is described")
	}
	return q.tell(err)
}

// before describes what is to be changed; nil for what is to be created.
func (q query) before() (*description, error) {
	d, err := q.h.o.Broker.Describe(q.target.path)
	switch {
	case q.updating() && err != nil:
		return nil, err
	case q.updating():
		was := q.describe(d)
		return &was, nil
	case err == nil:
		return nil, refuse(http.StatusConflict, "SubCode=40900. Conflict. The messaging entity 'sb://%s/%s' already exists.", q.r.Host, q.target.path)
	}
	return nil, nil
}

// fixed refuses to change what can't change.
func fixed(d, was *description, noun string) error {
	if was == nil {
		return nil
	}
	for _, c := range []struct {
		name     string
		now, old *bool
	}{
		{"RequiresSession", d.RequiresSession, was.RequiresSession},
		{"RequiresDuplicateDetection", d.RequiresDuplicateDetection, was.RequiresDuplicateDetection},
	} {
		if c.now != nil && c.old != nil && *c.now != *c.old {
			return refuse(http.StatusBadRequest,
				"SubCode=40000. The value for the %s property of an existing %s cannot be changed.", c.name, noun)
		}
	}
	if d.EnablePartitioning != nil && was.EnablePartitioning != nil && *d.EnablePartitioning != *was.EnablePartitioning {
		return refuse(http.StatusBadRequest, "SubCode=40000. Partitioning cannot be changed for %s. ", noun)
	}
	return nil
}

// chosen is the value of an element: the given one, else the one there was, else false.
func chosen(given *bool, was *description, old func(*description) *bool) bool {
	if given == nil && was != nil {
		given = old(was)
	}
	return given != nil && *given
}

func requiresSession(d *description) *bool { return d.RequiresSession }

func (q query) putQueue(d, was *description, s settings) error {
	if err := fixed(d, was, "Queue"); err != nil {
		return err
	}
	p := broker.QueueProperties{
		LockDuration: s.lock, DefaultTTL: s.life, MaxDeliveryCount: s.maxDeliveries,
		RequiresSession: chosen(d.RequiresSession, was, requiresSession), DuplicateDetection: s.window,
		DeadLetterOnExpiry: d.DeadLetteringOnMessageExpiration != nil && *d.DeadLetteringOnMessageExpiration,
		ForwardTo:          s.forwardTo, ForwardDeadLetteredTo: s.forwardDeadLetters,
		MaxSize: s.maxSize, Status: s.status, MaxMessageSize: s.maxMessageSize, Metadata: s.metadata,
	}
	if was != nil {
		return q.h.o.Broker.UpdateQueue(q.target.path, p)
	}
	return q.h.o.Broker.CreateQueue(q.target.path, p)
}

func (q query) putTopic(d, was *description, s settings) error {
	if err := fixed(d, was, "Topic"); err != nil {
		return err
	}
	p := broker.TopicProperties{
		DefaultTTL: s.life, DuplicateDetection: s.window, MaxSize: s.maxSize, Status: s.status,
		MaxMessageSize: s.maxMessageSize, Metadata: s.metadata,
	}
	if was != nil {
		return q.h.o.Broker.UpdateTopic(q.target.path, p)
	}
	return q.h.o.Broker.CreateTopic(q.target.path, p)
}

func (q query) putSubscription() error {
	d, err := read[description](q.r)
	if err != nil {
		return err
	}
	if d.XMLName.Local != nameSubscription {
		return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. No subscription is described")
	}
	was, err := q.before()
	if err != nil {
		return err
	}
	s, err := q.settings(d, was)
	if err != nil {
		return err
	}
	if err := fixed(d, was, "Subscription"); err != nil {
		return err
	}
	p := broker.SubscriptionProperties{
		LockDuration: s.lock, DefaultTTL: s.life, MaxDeliveryCount: s.maxDeliveries,
		RequiresSession:         chosen(d.RequiresSession, was, requiresSession),
		DeadLetterOnExpiry:      d.DeadLetteringOnMessageExpiration != nil && *d.DeadLetteringOnMessageExpiration,
		DeadLetterOnFilterError: d.DeadLetteringOnFilterEvaluationExceptions == nil || *d.DeadLetteringOnFilterEvaluationExceptions,
		ForwardTo:               s.forwardTo, ForwardDeadLetteredTo: s.forwardDeadLetters,
		Status: s.status, Metadata: s.metadata,
	}
	if was != nil {
		return q.tell(q.h.o.Broker.UpdateSubscription(q.target.topic, q.target.name, p))
	}
	if d.DefaultRuleDescription != nil {
		rule, err := d.DefaultRuleDescription.rule("")
		if err != nil {
			return err
		}
		p.Rules = []broker.Rule{rule}
	}
	return q.tell(q.h.o.Broker.CreateSubscription(q.target.topic, q.target.name, p))
}

func (q query) entryOf(d broker.Description) entry {
	name := d.Path
	if d.Subscription != nil {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	return q.h.entry(q.r, d.Path, name, d.Created, d.Updated, q.describe(d))
}

// describe writes an entity.
func (q query) describe(d broker.Description) description {
	active := d.Counts.Active + d.Counts.Locked + d.Counts.Deferred
	total := int64(active + d.Counts.Scheduled + d.Counts.DeadLetter + d.Counts.TransferDeadLetter)
	out := description{
		Instance: nsInstance, MessageCount: &total,
		CreatedAt: timestamp(d.Created), UpdatedAt: timestamp(d.Updated), AccessedAt: timestamp(d.Accessed),
		EntityAvailabilityStatus: new("Available"),
		CountDetails: &countDetails{
			Namespace: nsCounts, ActiveMessageCount: active, DeadLetterMessageCount: d.Counts.DeadLetter,
			ScheduledMessageCount: d.Counts.Scheduled, TransferDeadLetterMessageCount: d.Counts.TransferDeadLetter,
		},
	}
	switch {
	case d.Queue != nil:
		q.describeQueue(&out, d)
	case d.Topic != nil:
		q.describeTopic(&out, d)
	default:
		q.describeSubscription(&out, d)
	}
	return out
}

func (q query) describeQueue(out *description, d broker.Description) {
	p := d.Queue
	out.XMLName = xml.Name{Space: nsServiceBus, Local: nameQueue}
	out.recall(p.Metadata)
	q.describeStored(out, d, p.DuplicateDetection > 0, p.MaxSize, p.MaxMessageSize)
	if p.DuplicateDetection > 0 {
		out.DuplicateDetectionHistoryTimeWindow = new(formatDuration(p.DuplicateDetection))
	}
	out.LockDuration, out.DefaultMessageTimeToLive = new(formatDuration(p.LockDuration)), new(formatDuration(p.DefaultTTL))
	out.RequiresSession, out.DeadLetteringOnMessageExpiration = &p.RequiresSession, &p.DeadLetterOnExpiry
	out.MaxDeliveryCount, out.Status = &p.MaxDeliveryCount, new(statusName(p.Status))
	out.ForwardTo, out.ForwardDeadLetteredMessagesTo = q.forwarded(p.ForwardTo, p.Metadata[keyForward]), q.forwarded(p.ForwardDeadLetteredTo, p.Metadata[keyForwardDead])
}

func (q query) describeTopic(out *description, d broker.Description) {
	p := d.Topic
	out.XMLName = xml.Name{Space: nsServiceBus, Local: nameTopic}
	out.recall(p.Metadata)
	q.describeStored(out, d, p.DuplicateDetection > 0, p.MaxSize, p.MaxMessageSize)
	if p.DuplicateDetection > 0 {
		out.DuplicateDetectionHistoryTimeWindow = new(formatDuration(p.DuplicateDetection))
	}
	out.DefaultMessageTimeToLive, out.Status = new(formatDuration(p.DefaultTTL)), new(statusName(p.Status))
	out.MessageCount = nil
	out.SubscriptionCount, out.SqlFilterCount, out.CorrelationFilterCount = &d.Subscriptions, &d.SQLFilters, &d.CorrelationFilters
}

// describeStored writes what queues and topics have of their own: sizes.
func (q query) describeStored(out *description, d broker.Description, detects bool, maxSize int64, maxMessageSize int) {
	out.RequiresDuplicateDetection = &detects
	megabytes := int64(defaultMegabytes)
	if maxSize > 0 {
		megabytes = maxSize >> 20
	}
	if maxMessageSize == 0 {
		maxMessageSize = q.h.o.Broker.MaxMessageSize()
	}
	out.MaxSizeInMegabytes, out.MaxMessageSizeInKilobytes = &megabytes, new(int64(maxMessageSize/1024))
	out.SizeInBytes = &d.Counts.Size
}

func (q query) describeSubscription(out *description, d broker.Description) {
	p := d.Subscription
	out.XMLName = xml.Name{Space: nsServiceBus, Local: nameSubscription}
	out.recall(p.Metadata)
	out.LockDuration, out.DefaultMessageTimeToLive = new(formatDuration(p.LockDuration)), new(formatDuration(p.DefaultTTL))
	out.RequiresSession, out.DeadLetteringOnMessageExpiration = &p.RequiresSession, &p.DeadLetterOnExpiry
	out.DeadLetteringOnFilterEvaluationExceptions = &p.DeadLetterOnFilterError
	out.MaxDeliveryCount, out.Status = &p.MaxDeliveryCount, new(statusName(p.Status))
	out.ForwardTo, out.ForwardDeadLetteredMessagesTo = q.forwarded(p.ForwardTo, p.Metadata[keyForward]), q.forwarded(p.ForwardDeadLetteredTo, p.Metadata[keyForwardDead])
	if d.Accessed.IsZero() { // a subscription counts as accessed when it's made; queues and topics don't
		out.AccessedAt = out.CreatedAt
	}
}

// forwarded is a forward's target as a URL: the one that was given for it, or one at the host that the client knows.
func (q query) forwarded(to, given string) *string {
	if to == "" {
		return nil
	}
	if given != "" && pathOf(given) == to {
		return &given
	}
	return new("sb://" + q.r.Host + "/" + to)
}
