// Package bicep reads what a deployment makes in Service Bus out of a snapshot of the Bicep compiler (`bicep snapshot`): its
// predictedResources are the resources in their final form, as Azure Resource Manager gets them (types
// Microsoft.ServiceBus/namespaces and below, API version 2024-01-01). So the local broker has what would be deployed.
//
// Resources of other services aren't looked at. Within Service Bus whatever isn't known is an error, so that nothing that
// would work differently in Azure is silently left out.
package bicep

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/access"
)

// Namespace is a namespace of Service Bus, as it would be deployed.
type Namespace struct {
	Name     string
	Premium  bool
	Entities servicebus.Entities
	// Keys are the authorization rules of the namespace and of its entities. Their values are made up: Azure makes its own.
	Keys []access.Key
	// Notes name what is accepted and has no effect here.
	Notes []string
}

// resource is one of predictedResources.
type resource struct {
	ID           string         `json:"id"`
	Type         string         `json:"type"`
	Name         string         `json:"name"`
	APIVersion   string         `json:"apiVersion"`
	Location     string         `json:"location"`
	Tags         jsontext.Value `json:"tags"`
	SKU          sku            `json:"sku"`
	Identity     jsontext.Value `json:"identity"`
	DependsOn    jsontext.Value `json:"dependsOn"`
	Metadata     jsontext.Value `json:"metadata"`
	Properties   jsontext.Value `json:"properties"`
	segments     []string       // of Name
	at           string         // for faults
	relativeType string         // below Microsoft.ServiceBus, in lower case
}

type sku struct {
	Name     string `json:"name"`
	Tier     string `json:"tier"`
	Capacity int    `json:"capacity"`
}

// provider begins the type of what is read here, in lower case: types are compared without case.
const provider = "microsoft.servicebus/"

// Parse reads a snapshot. The error names every resource at fault: its type and name, the property, what's wrong and what
// to do.
func Parse(data []byte) (*Namespace, error) {
	var top struct {
		Resources []jsontext.Value `json:"predictedResources"`
	}
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, fmt.Errorf("no snapshot of a Bicep deployment: %w", err)
	}
	r := &reader{namespace: &Namespace{}, rules: map[string]int{}, targets: map[string]bool{}}
	resources := r.resources(top.Resources)
	// What contains comes before what is contained, whatever the order in the file.
	for depth := 1; depth <= 4; depth++ {
		for _, res := range resources {
			if len(res.segments) == depth {
				r.read(res)
			}
		}
	}
	if r.namespace.Name == "" && len(r.faults) == 0 {
		r.faults = append(r.faults, errors.New("there is no Microsoft.ServiceBus/namespaces in it (fix: take the snapshot of a deployment that has one)"))
	}
	r.finish()
	if err := errors.Join(r.faults...); err != nil {
		return nil, err
	}
	return r.namespace, nil
}

// reader collects a namespace and faults.
type reader struct {
	namespace *Namespace
	faults    []error
	targets   map[string]bool // queues and topics that messages can be forwarded to, in lower case
	forwards  []forward
	rules     map[string]int // subscription, as topic/name in lower case, to its place in Entities
}

type forward struct{ at, to string }

func (r *reader) fault(at, wrong, fix string) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s (fix: %s)", at, wrong, fix))
}

// resources picks those of Service Bus.
func (r *reader) resources(all []jsontext.Value) []resource {
	var out []resource
	for i, data := range all {
		var kind struct {
			Type string `json:"type"`
			Name string `json:"name"`
		}
		at := fmt.Sprintf("predictedResources[%d]", i)
		if err := json.Unmarshal(data, &kind); err != nil {
			r.fault(at, "its type and name can't be read", "take the snapshot anew with `bicep snapshot --mode overwrite`")
			continue
		}
		relative, ok := strings.CutPrefix(strings.ToLower(kind.Type), provider)
		if !ok {
			continue
		}
		res := resource{at: kind.Type + " " + kind.Name, relativeType: relative, segments: strings.Split(kind.Name, "/")}
		if !r.decode(res.at, data, &res) {
			continue
		}
		if strings.Count(relative, "/")+1 != len(res.segments) {
			r.fault(res.at, "its name doesn't have a part for each part of its type", "take the snapshot anew")
			continue
		}
		out = append(out, res)
	}
	return out
}

func (r *reader) read(res resource) {
	namespace, rest := res.segments[0], res.segments[1:]
	if len(rest) > 0 && !strings.EqualFold(namespace, r.namespace.Name) {
		r.fault(res.at, fmt.Sprintf("it isn't in namespace %q", r.namespace.Name), "take a snapshot with one whole namespace")
		return
	}
	switch res.relativeType {
	case "namespaces":
		r.readNamespace(res)
	case "namespaces/queues":
		r.readQueue(res, rest[0])
	case "namespaces/topics":
		r.readTopic(res, rest[0])
	case "namespaces/topics/subscriptions":
		r.readSubscription(res, rest[0], rest[1])
	case "namespaces/topics/subscriptions/rules":
		r.readRule(res, rest[0]+"/"+rest[1], rest[2])
	case "namespaces/authorizationrules":
		r.readKey(res, "", rest[0])
	case "namespaces/queues/authorizationrules", "namespaces/topics/authorizationrules":
		r.readKey(res, rest[0], rest[1])
	case "namespaces/networkrulesets", "namespaces/privateendpointconnections":
		r.note(res, "the network's rules")
	default:
		r.fault(res.at, "this type is unknown here", "leave it out of the snapshot, or have the local broker learn it")
	}
}

func (r *reader) note(res resource, what string) {
	r.namespace.Notes = append(r.namespace.Notes, res.at+": "+what+" have no effect here")
}

// finish checks what can be checked only when all is read.
func (r *reader) finish() {
	for _, f := range r.forwards {
		if !r.targets[strings.ToLower(f.to)] {
			r.fault(f.at, fmt.Sprintf("there is no queue or topic %q", f.to), "write the name of one that the deployment has")
		}
	}
	for _, s := range r.namespace.Entities.Subscriptions {
		if s.Rules == nil {
			continue
		}
		hasDefault := false
		for _, rule := range s.Rules {
			hasDefault = hasDefault || strings.EqualFold(rule.Name, defaultRule)
		}
		if !hasDefault {
			// Whether a rule of another name removes the one that selects everything is UNCONFIRMED.
			r.fault("subscription "+s.Topic+"/"+s.Name, "it has rules, and none is named $Default: the one that Azure makes, which selects everything, may stay beside them",
				"name its first rule $Default")
		}
	}
}

// decode reads a resource or its properties and refuses what isn't known.
func (r *reader) decode(at string, data jsontext.Value, into any) bool {
	if len(data) == 0 {
		return true
	}
	err := json.Unmarshal(data, into, json.RejectUnknownMembers(true))
	if err == nil {
		return true
	}
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		r.fault(at, err.Error(), "take the snapshot anew")
		return false
	}
	at += ": " + strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".")
	if errors.Is(err, json.ErrUnknownName) {
		r.fault(at, "it is unknown here", "correct its name, or have the local broker learn it")
	} else {
		r.fault(at, "its value is of another kind than Service Bus wants, or known in Azure only", "write the value itself")
	}
	return false
}
