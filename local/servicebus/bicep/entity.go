package bicep

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/topology"
)

func (r *reader) readNamespace(res resource) {
	var p struct {
		DisableLocalAuth           bool           `json:"disableLocalAuth"`
		MinimumTLSVersion          string         `json:"minimumTlsVersion"`
		PublicNetworkAccess        string         `json:"publicNetworkAccess"`
		ZoneRedundant              bool           `json:"zoneRedundant"`
		PremiumMessagingPartitions int            `json:"premiumMessagingPartitions"`
		Encryption                 jsontext.Value `json:"encryption"`
	}
	if !r.decode(res.at+": properties", res.Properties, &p) {
		return
	}
	if r.namespace.Name != "" {
		r.fault(res.at, fmt.Sprintf("there is namespace %q already", r.namespace.Name), "take a snapshot with one namespace")
		return
	}
	r.namespace.Name = res.segments[0]
	switch {
	case strings.EqualFold(res.SKU.Name, "Premium"):
		r.namespace.Premium = true
	case !strings.EqualFold(res.SKU.Name, "Standard"):
		r.fault(res.at+": sku.name", fmt.Sprintf("it is %q", res.SKU.Name), "write Standard or Premium; Basic has no topics")
	}
}

// receiving are the properties that queues and subscriptions share.
type receiving struct {
	LockDuration                     string `json:"lockDuration"`
	DefaultMessageTimeToLive         string `json:"defaultMessageTimeToLive"`
	MaxDeliveryCount                 *int   `json:"maxDeliveryCount"`
	RequiresSession                  bool   `json:"requiresSession"`
	DeadLetteringOnMessageExpiration bool   `json:"deadLetteringOnMessageExpiration"`
	ForwardTo                        string `json:"forwardTo"`
	ForwardDeadLetteredMessagesTo    string `json:"forwardDeadLetteredMessagesTo"`
	Status                           string `json:"status"`
	AutoDeleteOnIdle                 string `json:"autoDeleteOnIdle"`
	EnableBatchedOperations          bool   `json:"enableBatchedOperations"`
	UserMetadata                     string `json:"userMetadata"`
}

// storing are the properties that queues and topics share.
type storing struct {
	RequiresDuplicateDetection          bool   `json:"requiresDuplicateDetection"`
	DuplicateDetectionHistoryTimeWindow string `json:"duplicateDetectionHistoryTimeWindow"`
	MaxSizeInMegabytes                  int64  `json:"maxSizeInMegabytes"`
	MaxMessageSizeInKilobytes           int    `json:"maxMessageSizeInKilobytes"`
	EnablePartitioning                  bool   `json:"enablePartitioning"`
	EnableExpress                       bool   `json:"enableExpress"`
}

func (r *reader) readQueue(res resource, name string) {
	var p struct {
		receiving
		storing
	}
	if !r.decode(res.at+": properties", res.Properties, &p) {
		return
	}
	common := r.receivable(res, p.receiving)
	r.namespace.Entities.Queues = append(r.namespace.Entities.Queues, servicebus.Queue{Name: name, QueueProperties: broker.QueueProperties{
		LockDuration: common.LockDuration, DefaultTTL: common.DefaultTTL, MaxDeliveryCount: common.MaxDeliveryCount,
		RequiresSession: common.RequiresSession, DeadLetterOnExpiry: common.DeadLetterOnExpiry, ForwardTo: common.ForwardTo,
		ForwardDeadLetteredTo: common.ForwardDeadLetteredTo, Status: common.Status,
		DuplicateDetection: r.duplicates(res, p.storing), MaxSize: p.MaxSizeInMegabytes << 20, MaxMessageSize: r.messageSize(res, p.storing),
	}})
	r.target(res, name)
}

func (r *reader) readTopic(res resource, name string) {
	var p struct {
		storing
		DefaultMessageTimeToLive string `json:"defaultMessageTimeToLive"`
		Status                   string `json:"status"`
		AutoDeleteOnIdle         string `json:"autoDeleteOnIdle"`
		EnableBatchedOperations  bool   `json:"enableBatchedOperations"`
		SupportOrdering          bool   `json:"supportOrdering"`
		UserMetadata             string `json:"userMetadata"`
	}
	if !r.decode(res.at+": properties", res.Properties, &p) {
		return
	}
	r.noDeletion(res, p.AutoDeleteOnIdle)
	r.namespace.Entities.Topics = append(r.namespace.Entities.Topics, servicebus.Topic{Name: name, TopicProperties: broker.TopicProperties{
		DefaultTTL: r.duration(res, "defaultMessageTimeToLive", p.DefaultMessageTimeToLive), Status: r.status(res, p.Status),
		DuplicateDetection: r.duplicates(res, p.storing), MaxSize: p.MaxSizeInMegabytes << 20, MaxMessageSize: r.messageSize(res, p.storing),
	}})
	r.target(res, name)
}

func (r *reader) readSubscription(res resource, topic, name string) {
	var p struct {
		receiving
		OnFilterError  bool `json:"deadLetteringOnFilterEvaluationExceptions"`
		IsClientAffine bool `json:"isClientAffine"`
	}
	if !r.decode(res.at+": properties", res.Properties, &p) {
		return
	}
	if p.IsClientAffine {
		r.fault(res.at+": properties.isClientAffine", "client-affine subscriptions are unknown here", "write false")
	}
	if len(name) > topology.MaxNameLength {
		r.fault(res.at, "a subscription's name has 50 characters at most", "shorten it")
	}
	if !r.targets[strings.ToLower(topic)] {
		r.fault(res.at, fmt.Sprintf("there is no topic %q", topic), "take a snapshot with the whole namespace")
	}
	common := r.receivable(res, p.receiving)
	common.DeadLetterOnFilterError = p.OnFilterError
	r.rules[strings.ToLower(topic+"/"+name)] = len(r.namespace.Entities.Subscriptions)
	r.namespace.Entities.Subscriptions = append(r.namespace.Entities.Subscriptions,
		servicebus.Subscription{Topic: topic, Name: name, SubscriptionProperties: common})
}

// target notes an entity that can be forwarded to. Queues and topics share their names.
func (r *reader) target(res resource, name string) {
	if r.targets[strings.ToLower(name)] {
		r.fault(res.at, fmt.Sprintf("%q is there twice; queues and topics share their names, whose case doesn't count", name), "rename one")
	}
	r.targets[strings.ToLower(name)] = true
}

func (r *reader) receivable(res resource, p receiving) broker.SubscriptionProperties {
	out := broker.SubscriptionProperties{
		LockDuration: r.duration(res, "lockDuration", p.LockDuration), DefaultTTL: r.duration(res, "defaultMessageTimeToLive", p.DefaultMessageTimeToLive),
		RequiresSession: p.RequiresSession, DeadLetterOnExpiry: p.DeadLetteringOnMessageExpiration,
		ForwardTo: p.ForwardTo, ForwardDeadLetteredTo: p.ForwardDeadLetteredMessagesTo, Status: r.status(res, p.Status),
	}
	if out.LockDuration > broker.MaxLockDuration {
		r.fault(res.at+": properties.lockDuration", "a lock lasts five minutes at most", "write PT5M or less")
	}
	if n := p.MaxDeliveryCount; n != nil {
		if *n < 1 || *n > 2000 {
			r.fault(res.at+": properties.maxDeliveryCount", "it isn't between 1 and 2000", "write such a number")
		}
		out.MaxDeliveryCount = *n
	}
	if p.RequiresSession && p.ForwardTo != "" {
		r.fault(res.at+": properties.forwardTo", "an entity with sessions can't forward", "remove one of requiresSession and forwardTo")
	}
	r.noDeletion(res, p.AutoDeleteOnIdle)
	r.forward(res, "forwardTo", p.ForwardTo)
	r.forward(res, "forwardDeadLetteredMessagesTo", p.ForwardDeadLetteredMessagesTo)
	return out
}

func (r *reader) forward(res resource, property, to string) {
	if to != "" {
		r.forwards = append(r.forwards, forward{res.at + ": properties." + property, to})
	}
}

func (r *reader) noDeletion(res resource, text string) {
	if r.duration(res, "autoDeleteOnIdle", text) > 0 {
		r.fault(res.at+": properties.autoDeleteOnIdle", "the local broker deletes no entity", "remove it")
	}
}

func (r *reader) duplicates(res resource, p storing) time.Duration {
	window := r.duration(res, "duplicateDetectionHistoryTimeWindow", p.DuplicateDetectionHistoryTimeWindow)
	switch {
	case !p.RequiresDuplicateDetection:
		return 0
	case window == 0:
		return 10 * time.Minute // the service's default
	}
	return window
}

func (r *reader) messageSize(res resource, p storing) int {
	if p.MaxMessageSizeInKilobytes > 0 && !r.namespace.Premium {
		r.fault(res.at+": properties.maxMessageSizeInKilobytes", "Standard has no such setting", "remove it, or take Premium")
	}
	return p.MaxMessageSizeInKilobytes << 10
}

var statuses = map[string]broker.Status{
	"": broker.Enabled, "active": broker.Enabled, "disabled": broker.Disabled, "senddisabled": broker.SendDisabled, "receivedisabled": broker.ReceiveDisabled,
}

func (r *reader) status(res resource, text string) broker.Status {
	s, ok := statuses[strings.ToLower(text)]
	if !ok {
		r.fault(res.at+": properties.status", fmt.Sprintf("%q is unknown", text), "write Active, Disabled, SendDisabled or ReceiveDisabled")
	}
	return s
}

// forEver begins how .NET, and so Azure, writes the longest time there is, which stands for no end.
const forEver = "P10675199D"

func (r *reader) duration(res resource, property, text string) time.Duration {
	if text == "" || strings.HasPrefix(text, forEver) {
		return 0
	}
	var d topology.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil || d <= 0 {
		r.fault(res.at+": properties."+property, fmt.Sprintf("%q is no ISO 8601 duration", text), "write one such as PT1M or P1DT2H")
	}
	return time.Duration(d)
}

var rights = map[string]access.Rights{"send": access.Send, "listen": access.Listen, "manage": access.Manage}

// readKey reads an authorization rule of the namespace, where entity is empty, or of an entity.
func (r *reader) readKey(res resource, entity, name string) {
	var p struct {
		Rights []string `json:"rights"`
	}
	if !r.decode(res.at+": properties", res.Properties, &p) {
		return
	}
	k := access.Key{Name: name, Key: newKey(), Scope: strings.ToLower(entity)}
	for _, text := range p.Rights {
		right, ok := rights[strings.ToLower(text)]
		if !ok {
			r.fault(res.at+": properties.rights", fmt.Sprintf("%q is no right", text), "write Send, Listen or Manage")
		}
		k.Rights |= right
	}
	switch {
	case k.Rights == 0:
		r.fault(res.at+": properties.rights", "it has none", "write Send, Listen or Manage")
	case slices.ContainsFunc(r.namespace.Keys, func(other access.Key) bool { return other.Name == name }):
		r.fault(res.at, fmt.Sprintf("there is another key named %q", name), "name it differently: the local broker tells keys apart by name")
	}
	r.namespace.Keys = append(r.namespace.Keys, k)
}

func newKey() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}
