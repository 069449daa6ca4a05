package functionshost

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
	inputs   []binding
	bindings json.RawMessage // as written
	disabled bool
	fault    string   // why it can't run
	warnings []string // what its author should know

	retry    *retryPolicy
	route    *route   // HTTP
	schedule schedule // timer
}

// readFunction reads function.json; what is wrong with it is the function's fault and nobody else's.
func readFunction(name string, data []byte, folder string, s settings) *function {
	f := &function{name: name}
	var doc struct {
		Bindings   json.RawMessage
		Disabled   json.RawMessage
		Retry      json.RawMessage
		ScriptFile string
	}
	if err := json.Unmarshal(plainJSON(data), &doc); err != nil {
		f.fault = "function.json: " + err.Error()
		return f
	}
	if len(doc.Disabled) > 0 && string(doc.Disabled) != "false" {
		f.warnings = append(f.warnings, fmt.Sprintf("\"disabled\" in function.json is ignored; the setting AzureWebJobs.%s.Disabled works", name))
	}
	retry, err := retryOf(doc.Retry)
	if err != nil {
		f.fault = "function.json: " + err.Error()
		return f
	}
	f.retry, f.bindings = retry, doc.Bindings
	f.disabled = s.on("AzureWebJobs."+name+".Disabled", "AzureWebJobs_"+name+"_Disabled", "AzureWebJobs:"+name+":Disabled")
	var bindings []binding
	if len(doc.Bindings) > 0 {
		if err := json.Unmarshal(doc.Bindings, &bindings); err != nil {
			f.fault = "function.json: bindings: " + err.Error()
			return f
		}
	}
	f.fault = f.takeBindings(bindings)
	if f.fault == "" && doc.ScriptFile != "" {
		if info, err := os.Stat(filepath.Join(folder, doc.ScriptFile)); err != nil || info.IsDir() {
			f.fault = "Invalid script file name configuration. The 'scriptFile' property is set to a file that does not exist."
		}
	}
	if f.fault == "" {
		f.fault = f.prepare(s)
	}
	return f
}

// bindingName is what a binding's name must look like; "$return" is the one exception.
var bindingName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]{0,127}|\$return)$`)

// takeBindings checks the bindings as a whole. The texts are the host's own (Functions host 4.1037, recorded).
func (f *function) takeBindings(all []binding) string {
	if len(all) == 0 {
		return "At least one binding must be declared."
	}
	names := map[string]bool{}
	var triggers []binding
	for _, b := range all {
		if !bindingName.MatchString(b.Name) {
			return fmt.Sprintf("The binding name %s is invalid. Please assign a valid name to the binding.", b.Name)
		}
		if names[strings.ToLower(b.Name)] {
			return fmt.Sprintf("Multiple bindings with name '%s' discovered. Binding names must be unique.", b.Name)
		}
		names[strings.ToLower(b.Name)] = true
		switch {
		case strings.HasSuffix(strings.ToLower(b.Type), "trigger"):
			triggers = append(triggers, b)
		case strings.EqualFold(b.Direction, "out"):
			f.outputs = append(f.outputs, b)
		default:
			f.inputs = append(f.inputs, b)
		}
	}
	switch len(triggers) {
	case 0:
		return "No trigger binding specified. A function must have a trigger input binding."
	case 1:
		f.trigger = triggers[0]
		return f.checkTypes(all)
	}
	return "Multiple trigger bindings defined. A function can only have a single trigger binding."
}

// registered are the bindings of the host and of the extension bundle that this host knows to exist.
var registered = []string{"http", "httpTrigger", "timerTrigger", "serviceBus", "serviceBusTrigger", "queue", "queueTrigger", "blob", "blobTrigger",
	"table", "eventHub", "eventHubTrigger", "eventGrid", "eventGridTrigger", "cosmosDB", "cosmosDBTrigger", "sendGrid", "twilioSms", "signalR",
	"signalRTrigger", "signalRConnectionInfo", "kafka", "kafkaTrigger", "rabbitMQ", "rabbitMQTrigger", "sql", "sqlTrigger", "mysql", "mysqlTrigger",
	"dapr", "durableClient", "orchestrationTrigger", "activityTrigger", "entityTrigger", "warmupTrigger", "webPubSub", "webPubSubTrigger",
	"webPubSubConnection", "webPubSubContext", "redisPubSubTrigger", "redisListTrigger", "redisStreamTrigger", "assistantSkillTrigger"}

func (f *function) checkTypes(all []binding) string {
	for _, b := range all {
		if !isOneOf(b.Type, registered...) {
			return fmt.Sprintf("The binding type(s) '%s' are not registered. Please ensure the type is correct and the binding extension is installed.", b.Type)
		}
	}
	for _, b := range f.inputs {
		return fmt.Sprintf("input binding '%s' of type '%s' is not reproduced by this host", b.Name, b.Type)
	}
	if !isOneOf(f.trigger.Type, triggerHTTP, triggerTimer, triggerServiceBus) {
		return fmt.Sprintf("'%s' is not reproduced by this host: it runs %s, %s and %s", f.trigger.Type, triggerServiceBus, triggerTimer, triggerHTTP)
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
	return fmt.Sprintf("the trigger '%s' is unknown", t.Type) // checkTypes lets none through
}

func (f *function) prepareServiceBus() string {
	t := &f.trigger
	switch {
	case t.QueueName == "" && (t.TopicName == "" || t.SubscriptionName == ""):
		return "a serviceBusTrigger needs queueName, or topicName and subscriptionName"
	case !isOneOf(t.Cardinality, "", "one", "many"):
		return fmt.Sprintf("cardinality '%s' is neither one nor many", t.Cardinality)
	}
	if !f.bindable() {
		f.warnings = append(f.warnings, fmt.Sprintf("dataType '%s' can't be bound: every call fails", t.DataType))
	}
	if f.batch() && t.DataType == "" {
		f.warnings = append(f.warnings, "cardinality many without dataType: on Azure one body that isn't JSON fails the whole batch; set \"dataType\": \"binary\"")
	}
	if !f.batch() && !strings.EqualFold(t.DataType, "binary") {
		f.warnings = append(f.warnings, "a string body that is a JSON object overwrites metadata of the same name, the lock token included; set \"dataType\": \"binary\"")
	}
	if f.retry != nil {
		f.warnings = append(f.warnings, "\"retry\" on a Service Bus function calls the handler again with a message that may be settled already, while its lock ages")
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
