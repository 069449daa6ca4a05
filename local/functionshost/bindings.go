package functionshost

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Trigger types this host runs.
const (
	triggerServiceBus = "serviceBusTrigger"
	triggerTimer      = "timerTrigger"
	triggerHTTP       = "httpTrigger"
)

// binding is one entry of function.json.
type binding struct {
	Type, Direction, Name string
	DataType              string

	Connection                             string
	QueueName, TopicName, SubscriptionName string
	Cardinality                            string
	AutoComplete                           *bool // known to extension 4.x
	AutoCompleteMessages                   *bool // known to extension 5.x
	IsSessionsEnabled                      bool
	MaxMessageBatchSize                    *int

	Schedule     string
	RunOnStartup bool
	UseMonitor   *bool

	Route     string
	AuthLevel string
	Methods   *[]string // absent: every method; empty: none
}

// function is one folder of the script root.
type function struct {
	name     string
	trigger  binding
	outputs  []binding
	disabled bool
	fault    string   // why it can't run
	warnings []string // what its author should know

	route    *route   // HTTP
	schedule schedule // timer
}

// readFunction reads function.json; what is wrong with it is the function's fault and nobody else's.
func readFunction(name string, data []byte, s settings) *function {
	f := &function{name: name}
	var doc struct {
		Bindings []binding
		Disabled json.RawMessage
		Retry    json.RawMessage
	}
	if err := json.Unmarshal(plainJSON(data), &doc); err != nil {
		f.fault = "function.json: " + err.Error()
		return f
	}
	if len(doc.Disabled) > 0 && string(doc.Disabled) != "false" {
		f.warnings = append(f.warnings, fmt.Sprintf("\"disabled\" in function.json is ignored; the setting AzureWebJobs.%s.Disabled works", name))
	}
	if len(doc.Retry) > 0 && string(doc.Retry) != "null" {
		f.warnings = append(f.warnings, "\"retry\" is not reproduced here; on Service Bus it calls the handler again with a message that may be settled already")
	}
	f.disabled = s.on("AzureWebJobs."+name+".Disabled", "AzureWebJobs_"+name+"_Disabled", "AzureWebJobs:"+name+":Disabled")
	f.fault = f.takeBindings(doc.Bindings)
	if f.fault == "" {
		f.fault = f.prepare(s)
	}
	return f
}

func (f *function) takeBindings(all []binding) string {
	if len(all) == 0 {
		return "At least one binding must be declared."
	}
	names := map[string]bool{}
	triggers := 0
	for _, b := range all {
		if b.Name == "" || names[strings.ToLower(b.Name)] {
			return fmt.Sprintf("Multiple bindings with name '%s' discovered. Binding names must be unique.", b.Name)
		}
		names[strings.ToLower(b.Name)] = true
		switch {
		case strings.HasSuffix(strings.ToLower(b.Type), "trigger"):
			triggers++
			f.trigger = b
		case strings.EqualFold(b.Direction, "out"):
			f.outputs = append(f.outputs, b)
		default:
			return fmt.Sprintf("input binding '%s' of type '%s' is not reproduced by this host", b.Name, b.Type)
		}
	}
	if triggers != 1 {
		return fmt.Sprintf("a function has exactly one trigger, this one has %d", triggers)
	}
	return ""
}

// prepare resolves %NAME% and compiles what the trigger needs.
func (f *function) prepare(s settings) string {
	t := &f.trigger
	for _, field := range []*string{&t.QueueName, &t.TopicName, &t.SubscriptionName, &t.Schedule} {
		resolved, err := s.resolve(*field)
		if err != nil {
			return err.Error()
		}
		*field = resolved
	}
	for _, o := range f.outputs {
		if !strings.EqualFold(o.Type, "http") {
			f.warnings = append(f.warnings, fmt.Sprintf("output binding '%s' of type '%s' is not reproduced here: what the handler returns for it is dropped", o.Name, o.Type))
		}
		if o.Type != "http" && strings.EqualFold(o.Type, "http") {
			f.warnings = append(f.warnings, fmt.Sprintf("output type '%s' isn't spelt \"http\": on Azure the response is lost and the caller gets 204", o.Type))
		}
	}
	switch {
	case strings.EqualFold(t.Type, triggerServiceBus):
		t.Type = triggerServiceBus
		return f.prepareServiceBus()
	case strings.EqualFold(t.Type, triggerTimer):
		t.Type = triggerTimer
		compiled, err := parseSchedule(t.Schedule)
		if err != nil {
			return err.Error()
		}
		f.schedule = compiled
		return ""
	case strings.EqualFold(t.Type, triggerHTTP):
		t.Type = triggerHTTP
		return "" // its route needs the prefix of host.json
	}
	return fmt.Sprintf("The binding type(s) '%s' are not registered: this host runs %s, %s and %s.", t.Type, triggerServiceBus, triggerTimer, triggerHTTP)
}

func (f *function) prepareServiceBus() string {
	t := &f.trigger
	switch {
	case t.QueueName == "" && (t.TopicName == "" || t.SubscriptionName == ""):
		return "a serviceBusTrigger needs queueName, or topicName and subscriptionName"
	case t.IsSessionsEnabled:
		return "sessions are not reproduced by this host yet"
	case !isOneOf(t.DataType, "", "binary", "string"):
		return fmt.Sprintf("dataType '%s': Exception binding parameter '%s'", t.DataType, t.Name)
	case !isOneOf(t.Cardinality, "", "one", "many"):
		return fmt.Sprintf("cardinality '%s' is neither one nor many", t.Cardinality)
	}
	if f.batch() && t.DataType == "" {
		f.warnings = append(f.warnings, "cardinality many without dataType: on Azure one body that isn't JSON fails the whole batch; set \"dataType\": \"binary\"")
	}
	if !f.batch() && !strings.EqualFold(t.DataType, "binary") {
		f.warnings = append(f.warnings, "a string body that is a JSON object overwrites metadata of the same name, the lock token included; set \"dataType\": \"binary\"")
	}
	if off(t.AutoComplete) != off(t.AutoCompleteMessages) {
		f.warnings = append(f.warnings, "\"autoComplete\" is read by extension 4.x, \"autoCompleteMessages\" by 5.x: set both to the same value (this host reads the second)")
	}
	return ""
}

func isOneOf(text string, choices ...string) bool {
	for _, c := range choices {
		if strings.EqualFold(text, c) {
			return true
		}
	}
	return false
}

func off(flag *bool) bool { return flag != nil && !*flag }

// batch tells that the trigger takes many messages at once.
func (f *function) batch() bool { return strings.EqualFold(f.trigger.Cardinality, "many") }

// autoComplete tells that the host completes the messages of a call that went well.
func (f *function) autoComplete() bool { return !off(f.trigger.AutoCompleteMessages) }

// httpInAndOut tells that only such a function can be forwarded or proxied: one HTTP trigger, one http output.
func (f *function) httpInAndOut() bool {
	return f.trigger.Type == triggerHTTP && len(f.outputs) == 1 && f.outputs[0].Type == "http"
}

// address is the entity path as the broker knows it.
func (b binding) address() string {
	if b.QueueName != "" {
		return b.QueueName
	}
	return b.TopicName + "/Subscriptions/" + b.SubscriptionName
}
