package functionshost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
)

// received is a message with what the client needs to settle it.
type received struct {
	*busMessage
	raw *azservicebus.ReceivedMessage
}

// receiver is one receive link. Complete, Abandon and Renew return errLockLost when the broker refuses.
type receiver interface {
	// Receive waits for at least one message and then up to fill for more, max at most.
	Receive(ctx context.Context, max int, fill time.Duration) ([]*received, error)
	Complete(ctx context.Context, m *received) error
	Abandon(ctx context.Context, m *received) error
	// Renew extends the lock and updates lockedUntil.
	Renew(ctx context.Context, m *received) error
	Close(ctx context.Context) error
}

//lint:ignore ST1005 the host's own words
var errLockLost = errors.New("MessageLockLostException: The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.")

// messageSource gives what a trigger's binding names: the entity, and how to open a receive link to it.
type messageSource interface {
	of(t binding) (busEntity, func() (receiver, error), error)
}

// entityListener receives for one function.
type entityListener struct {
	host     *jobHost
	function *function
	entity   busEntity
	open     func() (receiver, error)
}

// connections holds one client per connection setting.
type connections struct {
	settings settings
	mu       sync.Mutex
	clients  map[string]*azservicebus.Client
}

func newConnections(s settings) *connections {
	return &connections{settings: s, clients: map[string]*azservicebus.Client{}}
}

func (c *connections) of(t binding) (busEntity, func() (receiver, error), error) {
	client, namespace, err := c.client(t.Connection)
	if err != nil {
		return busEntity{}, nil, err
	}
	return busEntity{path: t.address(), namespace: namespace, sessions: t.IsSessionsEnabled}, func() (receiver, error) { return openLink(client, t) }, nil
}

// client gives the client of a connection setting and the namespace's name.
func (c *connections) client(name string) (*azservicebus.Client, string, error) {
	at, err := c.settings.connection(name)
	if err != nil {
		return nil, "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := c.clients[at.text+at.namespace]
	if !ok {
		if client, err = c.open(name, at); err != nil {
			return nil, "", err
		}
		c.clients[at.text+at.namespace] = client
	}
	if at.namespace != "" {
		return client, at.namespace, nil
	}
	return client, namespaceOf(at.text), nil
}

// open makes a client; a connection string never shows in its error.
func (c *connections) open(name string, at connection) (*azservicebus.Client, error) {
	if at.namespace == "" {
		client, err := azservicebus.NewClientFromConnectionString(at.text, nil)
		if err != nil {
			return nil, fmt.Errorf("connection '%s': the connection string is malformed", name)
		}
		return client, nil
	}
	credential, err := c.settings.credentialOf(name)
	if err != nil {
		return nil, err
	}
	return azservicebus.NewClient(at.namespace, credential, nil)
}

// namespaceOf is the host of a connection string's Endpoint, with its port if it has one.
func namespaceOf(connection string) string {
	for part := range strings.SplitSeq(connection, ";") {
		if name, value, _ := strings.Cut(part, "="); strings.EqualFold(name, "Endpoint") {
			return strings.TrimSuffix(strings.TrimPrefix(value, "sb://"), "/")
		}
	}
	return ""
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	for _, client := range c.clients {
		_ = client.Close(ctx)
	}
}

// listenServiceBus starts a function's listener.
func (h *jobHost) listenServiceBus(f *function) {
	entity, open, err := h.source.of(f.trigger)
	if err != nil { // it was there when the connections were checked
		h.log.host(errorLevel, fmt.Sprintf("The listener for function '%s' was unable to start: %s", f.name, err))
		return
	}
	l := &entityListener{host: h, function: f, entity: entity, open: open}
	switch {
	case f.trigger.IsSessionsEnabled:
		l.runSessions()
	case f.batch():
		h.running.Go(l.runBatches)
	default:
		l.runSingles()
	}
}

// link is the real client's receiver.
type link struct{ *azservicebus.Receiver }

func openLink(client *azservicebus.Client, t binding) (receiver, error) {
	// "queue/$DeadLetterQueue" is a queue name the client takes as it is.
	if t.QueueName != "" {
		r, err := client.NewReceiverForQueue(t.QueueName, nil)
		return link{r}, err
	}
	r, err := client.NewReceiverForSubscription(t.TopicName, t.SubscriptionName, nil)
	return link{r}, err
}

func (l link) Receive(ctx context.Context, maxMessages int, fill time.Duration) ([]*received, error) {
	all, err := l.ReceiveMessages(ctx, maxMessages, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: fill})
	return fromClientAll(all), err
}

func fromClientAll(all []*azservicebus.ReceivedMessage) []*received {
	var out []*received
	for _, m := range all {
		out = append(out, &received{busMessage: fromClient(m), raw: m})
	}
	return out
}

func (l link) Complete(ctx context.Context, m *received) error {
	return settled(l.CompleteMessage(ctx, m.raw, nil))
}

func (l link) Abandon(ctx context.Context, m *received) error {
	return settled(l.AbandonMessage(ctx, m.raw, nil))
}

func (l link) Renew(ctx context.Context, m *received) error {
	err := settled(l.RenewMessageLock(ctx, m.raw, nil))
	if err == nil && m.raw.LockedUntil != nil {
		m.lockedUntil = *m.raw.LockedUntil
	}
	return err
}

// settled names the one error a listener tells apart.
func settled(err error) error {
	var e *azservicebus.Error
	if errors.As(err, &e) && e.Code == azservicebus.CodeLockLost {
		return errLockLost
	}
	return err
}

// fromClient takes over what the trigger binds. The client keeps application properties in a map without order, so they
// go out by name, where .NET keeps the order of the wire.
func fromClient(m *azservicebus.ReceivedMessage) *busMessage {
	b := &busMessage{deliveryCount: m.DeliveryCount, deadLetterSource: m.DeadLetterSource, lockToken: uuid.UUID(m.LockToken),
		expiresAt: maxDateTime, contentType: m.ContentType, replyTo: m.ReplyTo, to: m.To, subject: m.Subject,
		correlationID: m.CorrelationID, sessionID: m.SessionID, replyToSessionID: m.ReplyToSessionID, partitionKey: m.PartitionKey}
	if m.MessageID != "" {
		b.messageID = &m.MessageID
	}
	if m.ExpiresAt != nil && m.TimeToLive != nil && *m.TimeToLive > 0 {
		b.expiresAt = *m.ExpiresAt
	}
	if m.EnqueuedTime != nil {
		b.enqueuedTime = *m.EnqueuedTime
	}
	if m.SequenceNumber != nil {
		b.sequenceNumber = *m.SequenceNumber
	}
	if m.LockedUntil != nil {
		b.lockedUntil = *m.LockedUntil
	}
	b.takeBody(m)
	b.properties = dictionary{}
	for _, name := range slices.Sorted(maps.Keys(m.ApplicationProperties)) {
		b.properties = append(b.properties, pair{name, netValue(m.ApplicationProperties[name])})
	}
	return b
}

func (m *busMessage) takeBody(from *azservicebus.ReceivedMessage) {
	m.body = []byte{}
	raw := from.RawAMQPMessage
	switch {
	case raw == nil || len(raw.Body.Data) > 0:
		if raw == nil {
			m.body = append(m.body, from.Body...)
			return
		}
		for _, section := range raw.Body.Data {
			m.body = append(m.body, section...)
		}
	case raw.Body.Value != nil:
		if text, ok := raw.Body.Value.(string); ok {
			m.bodyKind, m.body = valueBody, []byte(text)
			return
		}
		m.bodyKind = otherBody
	case len(raw.Body.Sequence) > 0:
		m.bodyKind = otherBody
	}
}

// netValue turns a decoded AMQP value into what .NET decodes it to.
func netValue(v any) any {
	switch v := v.(type) {
	case time.Time:
		return dateTimeUTC(v.UTC())
	case [16]byte:
		return uuid.UUID(v)
	case nil, string, bool, []byte, float32, float64, int8, int16, int32, int64, int, uint8, uint16, uint32, uint64, uint:
		return v
	}
	if s, ok := v.(fmt.Stringer); ok { // an AMQP UUID prints itself like a Guid
		if id, err := uuid.Parse(s.String()); err == nil {
			return id
		}
	}
	return fmt.Sprint(v)
}

// problem logs what the extension logs when something with a message goes wrong.
func (l *entityListener) problem(action string, err error) {
	l.host.log.host(errorLevel, fmt.Sprintf("Message processing error (Action=%s, ClientId=MessageReceiver%s, EntityPath=%s, Endpoint=%s) %s",
		action, l.entity.path, l.entity.path, l.entity.namespace, err))
}

// complete and abandon settle on the receive link; a refusal is a log line and nothing else.
func (l *entityListener) complete(r receiver, m *received) {
	if err := r.Complete(l.host.life, m); err != nil {
		l.problem("Complete", err)
	}
}

func (l *entityListener) abandon(r receiver, m *received) {
	if err := r.Abandon(l.host.life, m); err != nil {
		l.problem("Abandon", err)
	}
}

// retryReceive is how long a listener waits after a receive failed, such as on an entity that doesn't exist.
const retryReceive = 2 * time.Second

// pause waits before another try; false means the host ends.
func (l *entityListener) pause() bool {
	t := time.NewTimer(retryReceive)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.host.receive.Done():
		return false
	}
}

// nameOf is the entity for a log line, with the function it feeds.
func (l *entityListener) nameOf(n int) string {
	if n == 1 {
		return fmt.Sprintf("New ServiceBus message detected on '%s'.", l.entity.path)
	}
	return strings.TrimSpace(fmt.Sprintf("%d new ServiceBus messages detected on '%s'.", n, l.entity.path))
}
