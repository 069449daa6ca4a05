package atom

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

// description is what a client sends and gets of a queue, a topic or a subscription: the three have most elements in
// common, and those that one of them hasn't got are nil. The order of the elements is the service's.
type description struct {
	XMLName  xml.Name
	Instance string `xml:"xmlns:i,attr,omitempty"`

	LockDuration                              *string
	MaxSizeInMegabytes                        *int64
	RequiresDuplicateDetection                *bool
	RequiresSession                           *bool
	DefaultMessageTimeToLive                  *string
	DeadLetteringOnMessageExpiration          *bool
	DeadLetteringOnFilterEvaluationExceptions *bool
	DefaultRuleDescription                    *ruleDescription `xml:",omitempty"`
	DuplicateDetectionHistoryTimeWindow       *string
	MessageCount                              *int64
	MaxDeliveryCount                          *int
	EnableBatchedOperations                   *string
	SizeInBytes                               *int64
	FilteringMessagesBeforePublishing         *string
	IsAnonymousAccessible                     *string
	AuthorizationRules                        *authorizationRules
	Status                                    *string
	ForwardTo                                 *string
	UserMetadata                              *string
	CreatedAt, UpdatedAt, AccessedAt          string `xml:",omitempty"`
	SupportOrdering                           *string
	CountDetails                              *countDetails
	SubscriptionCount                         *int
	SqlFilterCount                            *int
	CorrelationFilterCount                    *int
	AutoDeleteOnIdle                          *string
	EnablePartitioning                        *string
	EntityAvailabilityStatus                  *string
	EnableSubscriptionPartitioning            *string
	EnableExpress                             *string
	ForwardDeadLetteredMessagesTo             *string
	MaxMessageSizeInKilobytes                 *int64
}

type countDetails struct {
	Namespace                      string `xml:"xmlns:d2p1,attr"`
	ActiveMessageCount             int    `xml:"d2p1:ActiveMessageCount"`
	DeadLetterMessageCount         int    `xml:"d2p1:DeadLetterMessageCount"`
	ScheduledMessageCount          int    `xml:"d2p1:ScheduledMessageCount"`
	TransferMessageCount           int    `xml:"d2p1:TransferMessageCount"`
	TransferDeadLetterMessageCount int    `xml:"d2p1:TransferDeadLetterMessageCount"`
}

// authorizationRules are the keys of one entity, which are good for it and what lies below it; see EntityKeys.
type authorizationRules struct {
	Rules []authorizationRule `xml:"AuthorizationRule"`
}

type authorizationRule struct {
	Type         kind     `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	ClaimType    string   `xml:",omitempty"`
	ClaimValue   string   `xml:",omitempty"`
	Rights       []string `xml:"Rights>AccessRights"`
	CreatedTime  string   `xml:",omitempty"`
	ModifiedTime string   `xml:",omitempty"`
	KeyName      string   `xml:",omitempty"`
	PrimaryKey   string   `xml:",omitempty"`
	SecondaryKey string   `xml:",omitempty"`
}

// The metadata that isn't the text of an element.
const (
	keyAuthorization = "AuthorizationRules"
	keyForward       = "ForwardTo"
	keyForwardDead   = "ForwardDeadLetteredMessagesTo"
)

// kept are the elements that the broker keeps for us and doesn't act upon, with what they are when they aren't given;
// without a default an element that isn't given isn't told.
func (d *description) kept() []keptElement {
	all := []keptElement{
		{"AutoDeleteOnIdle", &d.AutoDeleteOnIdle, forever},
		{"EnableBatchedOperations", &d.EnableBatchedOperations, "true"},
		{"UserMetadata", &d.UserMetadata, ""},
	}
	if d.XMLName.Local == nameSubscription {
		return all
	}
	all = append(all,
		keptElement{"DuplicateDetectionHistoryTimeWindow", &d.DuplicateDetectionHistoryTimeWindow, "PT10M"},
		keptElement{"IsAnonymousAccessible", &d.IsAnonymousAccessible, "false"},
		keptElement{"SupportOrdering", &d.SupportOrdering, "true"},
		keptElement{"EnablePartitioning", &d.EnablePartitioning, "false"},
		keptElement{"EnableExpress", &d.EnableExpress, "false"},
	)
	if d.XMLName.Local == nameTopic {
		all = append(all, keptElement{"FilteringMessagesBeforePublishing", &d.FilteringMessagesBeforePublishing, "false"},
			keptElement{"EnableSubscriptionPartitioning", &d.EnableSubscriptionPartitioning, "false"})
	}
	return all
}

type keptElement struct {
	name      string
	value     **string
	otherwise string
}

// The names of descriptions.
const (
	nameQueue        = "QueueDescription"
	nameTopic        = "TopicDescription"
	nameSubscription = "SubscriptionDescription"
)

// metadata collects what is kept.
func (d *description) metadata() (map[string]string, error) {
	out := map[string]string{}
	for _, k := range d.kept() {
		if *k.value != nil && **k.value != k.otherwise {
			out[k.name] = **k.value
		}
	}
	for key, to := range map[string]*string{keyForward: d.ForwardTo, keyForwardDead: d.ForwardDeadLetteredMessagesTo} {
		if to != nil && strings.Contains(*to, "://") {
			out[key] = *to // told again as it was written
		}
	}
	if d.AuthorizationRules != nil && len(d.AuthorizationRules.Rules) > 0 {
		if err := d.AuthorizationRules.complete(); err != nil {
			return nil, err
		}
		text, err := xml.Marshal(d.AuthorizationRules)
		if err != nil {
			return nil, err
		}
		out[keyAuthorization] = strings.Replace(string(text), ">", ` xmlns:i="`+nsInstance+`">`, 1)
	}
	return out, nil
}

// recall fills in what was kept.
func (d *description) recall(metadata map[string]string) {
	for _, k := range d.kept() {
		text, given := metadata[k.name]
		if !given {
			text = k.otherwise
		}
		if text != "" {
			*k.value = &text
		}
	}
	if text, ok := metadata[keyAuthorization]; ok {
		rules := &authorizationRules{}
		if xml.Unmarshal([]byte(text), rules) == nil { // it's what metadata wrote
			d.AuthorizationRules = rules
		}
	}
}

var statuses = map[string]broker.Status{
	"Active": broker.Enabled, "Disabled": broker.Disabled,
	"SendDisabled": broker.SendDisabled, "ReceiveDisabled": broker.ReceiveDisabled,
}

func statusName(s broker.Status) string {
	for name, value := range statuses {
		if value == s {
			return name
		}
	}
	return "Unknown"
}

// settings are the elements of a description, read.
type settings struct {
	lock, life, window time.Duration
	maxDeliveries      int
	status             broker.Status
	maxSize            int64
	maxMessageSize     int
	forwardTo          string
	forwardDeadLetters string
	metadata           map[string]string
}

// The bounds of settings: of the window as .NET's reference has them for QueueProperties, of the count as the emulator's.
const (
	minWindow        = 20 * time.Second
	maxWindow        = 7 * 24 * time.Hour
	maxDeliveryCount = 2000
)

// settings reads what a client sent; was is what the entity is like already, nil for a new one.
func (q query) settings(d *description, was *description) (settings, error) {
	var s settings
	var err error
	for _, part := range []struct {
		element string
		text    *string
		into    *time.Duration
	}{
		{"LockDuration", d.LockDuration, &s.lock},
		{"DefaultMessageTimeToLive", d.DefaultMessageTimeToLive, &s.life},
		{"DuplicateDetectionHistoryTimeWindow", d.DuplicateDetectionHistoryTimeWindow, &s.window},
		{"AutoDeleteOnIdle", d.AutoDeleteOnIdle, new(time.Duration)},
	} {
		if part.text == nil {
			continue
		}
		if *part.into, err = parseDuration(*part.text); err != nil {
			return s, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. %s: %v", part.element, err)
		}
	}
	detect := d.RequiresDuplicateDetection
	if detect == nil && was != nil {
		detect = was.RequiresDuplicateDetection
	}
	if detect == nil || !*detect {
		s.window = 0
	} else if d.DuplicateDetectionHistoryTimeWindow == nil {
		s.window = 10 * time.Minute
	} else if s.window < minWindow || s.window > maxWindow {
		return s, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. DuplicateDetectionHistoryTimeWindow is from 20 seconds to 7 days")
	}
	if d.LockDuration != nil && s.lock == 0 { // zero, or so long that it stands for ever
		return s, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. LockDuration is from above zero to five minutes")
	}
	if d.MaxDeliveryCount != nil {
		if s.maxDeliveries = *d.MaxDeliveryCount; s.maxDeliveries < 1 || s.maxDeliveries > maxDeliveryCount {
			return s, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. MaxDeliveryCount is from 1 to %d", maxDeliveryCount)
		}
	}
	if d.Status != nil {
		var known bool
		if s.status, known = statuses[*d.Status]; !known {
			return s, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. Status: %q can't be set", *d.Status)
		}
	}
	if err := q.sizes(&s, d, was); err != nil {
		return s, err
	}
	if s.forwardTo, err = q.forward("ServiceBusSupplementaryAuthorization", d.ForwardTo); err != nil {
		return s, err
	}
	s.forwardDeadLetters, err = q.forward("ServiceBusDlqSupplementaryAuthorization", d.ForwardDeadLetteredMessagesTo)
	if err != nil {
		return s, err
	}
	s.metadata, err = d.metadata()
	return s, err
}

const (
	// partitions is what a partitioned entity consists of; its size counts for each.
	partitions       = 16
	defaultMegabytes = 1024
	maxPremiumKB     = 102400
)

func (q query) sizes(s *settings, d, was *description) error {
	partitioned := d.EnablePartitioning != nil && *d.EnablePartitioning == "true"
	megabytes := int64(defaultMegabytes)
	if d.MaxSizeInMegabytes != nil {
		megabytes = *d.MaxSizeInMegabytes
	}
	if megabytes < 1 || megabytes > 1<<20 {
		return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. MaxSizeInMegabytes is out of range")
	}
	if partitioned && was == nil {
		if q.h.o.Premium {
			return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. Partitioned entities are not supported in this tier")
		}
		megabytes *= partitions
	}
	s.maxSize = megabytes << 20
	if d.MaxMessageSizeInKilobytes == nil {
		return nil
	}
	limit := int64(q.h.o.Broker.MaxMessageSize() / 1024)
	switch kb := *d.MaxMessageSizeInKilobytes; {
	case q.h.o.Premium && kb >= limit && kb <= maxPremiumKB:
		s.maxMessageSize = int(kb) * 1024
	case kb != limit:
		return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. MaxMessageSizeInKilobytes can't be %d in this tier", kb)
	}
	return nil
}

// pathOf is the path of a target of forwarding, which may be written as a URL.
func pathOf(to string) string {
	if _, rest, ok := strings.Cut(to, "://"); ok {
		_, to, _ = strings.Cut(rest, "/")
	}
	return strings.Trim(to, "/")
}

// forward reads the target of a forward, a URL or a path, and checks that the client may send there.
func (q query) forward(header string, to *string) (string, error) {
	if to == nil || *to == "" {
		return "", nil
	}
	path := pathOf(*to)
	grant := q.grant
	if token := q.r.Header.Get(header); token != "" {
		var err error
		if grant, err = q.h.o.Authority.Check(token); err != nil {
			return "", err
		}
	}
	if !grant.Covers(strings.ToLower(path)) || !q.h.o.Authority.Allows(grant, access.Send) {
		return "", refuse(http.StatusUnauthorized, "401 SubCode=40100: Unauthorized : 'Send' claim(s) on %s are required to forward there.", path)
	}
	return path, nil
}
