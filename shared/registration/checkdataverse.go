package registration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"crosswalk/shared/dataverse"
)

// What Dataverse's choices mean (table reference: ServiceEndpoint, SdkMessageProcessingStep). Which of the two kinds of queue
// the registration tool's "Queue" is, is UNCONFIRMED; both are taken.
const (
	contractQueue           = 2
	contractQueuePersistent = 6
	contractWebhook         = 8
	formatJSON              = 2
	stagePostOperation      = 40
	modeAsynchronous        = 1
	stateEnabled            = 0
)

// serviceEndpoint is what Dataverse tells of an endpoint. It never tells a key.
type serviceEndpoint struct {
	id            string
	Contract      int    `json:"contract"`
	MessageFormat int    `json:"messageformat"`
	Path          string `json:"path"`
	URL           string `json:"url"`
}

// processingStep is a registered step.
type processingStep struct {
	id         string
	Name       string `json:"name"`
	Stage      int    `json:"stage"`
	Mode       int    `json:"mode"`
	State      int    `json:"statecode"`
	AutoDelete bool   `json:"asyncautodelete"`
	Attributes string `json:"filteringattributes"`
	Filter     string `json:"_sdkmessagefilterid_value"`
}

// CheckDataverse compares Dataverse with what the contracts need and says what differs, one line each. With apply it registers
// the steps that are missing and corrects those that differ; the endpoint, whose key only a person may know, stays work by
// hand, and a step that nobody needs is only named. It reports how many things are left to do.
func (n *Needs) CheckDataverse(ctx context.Context, client *dataverse.Client, e Environment, apply bool, say func(format string, args ...any)) (left int, err error) {
	c := &dataverseCheck{client: client, endpointName: e.Endpoint, apply: apply, say: say}
	if len(n.Steps) == 0 {
		say("no contract starts with an event of Dataverse")
		return 0, nil
	}
	there, err := c.endpoint(ctx, n.Queues["dataverse"])
	if err != nil || !there {
		return c.left, err
	}
	if err := c.readSteps(ctx); err != nil {
		return c.left, err
	}
	for _, s := range n.Steps {
		if err := c.step(ctx, s); err != nil {
			return c.left, err
		}
	}
	for _, has := range c.steps {
		if !slices.Contains(c.needed, has.id) && has.State == stateEnabled {
			say("not needed: step %q sends what no contract starts with", has.Name)
		}
	}
	return c.left, nil
}

// dataverseCheck is one comparison.
type dataverseCheck struct {
	client       *dataverse.Client
	endpointName string
	apply        bool
	say          func(format string, args ...any)
	left         int

	has    serviceEndpoint
	steps  []processingStep
	needed []string // ids
}

func (c *dataverseCheck) todo(format string, args ...any) {
	c.left++
	c.say("MISSING: "+format, args...)
}

// rows reads rows and decodes each.
func (c *dataverseCheck) rows(ctx context.Context, set, id string, equal []dataverse.KeyValue, columns []string, decode func(id string, row []byte) error) error {
	found, err := c.client.List(ctx, set, id, equal, columns)
	if err != nil {
		return err
	}
	for _, r := range found {
		if err := decode(r.ID, r.JSON); err != nil {
			return errors.New("what Dataverse says of its " + set + " can't be read")
		}
	}
	return nil
}

// endpoint says what is wrong with the endpoint, and whether there is one.
func (c *dataverseCheck) endpoint(ctx context.Context, queue string) (there bool, err error) {
	err = c.rows(ctx, "serviceendpoints", "serviceendpointid", []dataverse.KeyValue{{Name: "name", Value: c.endpointName, Quoted: true}},
		[]string{"contract", "messageformat", "path", "url"}, func(id string, row []byte) error {
			there, c.has.id = true, id
			return json.Unmarshal(row, &c.has)
		})
	if err != nil {
		return false, err
	}
	switch {
	case !there:
		c.todo("service endpoint %s: crosswalk register dataverse says how to make it, and then its steps can be", c.endpointName)
	case c.has.Contract == contractWebhook:
		if !strings.HasSuffix(strings.ToLower(c.has.URL), "/api/dataverse-webhook") {
			c.todo("web hook %s: its URL doesn't end in /api/dataverse-webhook", c.endpointName)
		}
	case c.has.Contract != contractQueue && c.has.Contract != contractQueuePersistent:
		c.todo("service endpoint %s: it is neither a queue nor a web hook (contract %d)", c.endpointName, c.has.Contract)
	default:
		if c.has.MessageFormat != formatJSON {
			c.todo("service endpoint %s: its message format isn't JSON, and nothing else can be read", c.endpointName)
		}
		if !strings.EqualFold(strings.Trim(c.has.Path, "/"), queue) {
			c.todo("service endpoint %s: its queue is %q and should be %q", c.endpointName, c.has.Path, queue)
		}
	}
	return there, nil
}

func (c *dataverseCheck) readSteps(ctx context.Context) error {
	return c.rows(ctx, "sdkmessageprocessingsteps", "sdkmessageprocessingstepid", []dataverse.KeyValue{{Name: "_eventhandler_value", Value: c.has.id}},
		[]string{"name", "stage", "mode", "statecode", "asyncautodelete", "filteringattributes", "_sdkmessagefilterid_value"}, func(id string, row []byte) error {
			s := processingStep{id: id}
			err := json.Unmarshal(row, &s)
			c.steps = append(c.steps, s)
			return err
		})
}

// step looks for one step. Several for the same message and table would each send the event, so a second one is named.
func (c *dataverseCheck) step(ctx context.Context, want Step) error {
	message, filter, err := c.filterOf(ctx, want)
	if err != nil {
		return err
	}
	if filter == "" {
		c.todo("Dataverse has no message %s for table %s, needed by %s", want.Message, want.Table, strings.Join(want.Flows, ", "))
		return nil
	}
	var mine []processingStep
	for _, s := range c.steps {
		if strings.EqualFold(s.Filter, filter) {
			mine = append(mine, s)
			c.needed = append(c.needed, s.id)
		}
	}
	name := want.Message + " of " + want.Table
	if len(mine) > 1 {
		c.todo("%s: %d steps send it, so every event comes %d times; leave one", name, len(mine), len(mine))
		return nil
	}
	if len(mine) == 0 {
		if !c.apply {
			c.todo("no step for %s, needed by %s", name, strings.Join(want.Flows, ", "))
			return nil
		}
		if err := c.register(ctx, want, message, filter); err != nil {
			return err
		}
		c.say("registered: %s", name)
		return nil
	}
	wrong := differences(mine[0], want)
	if len(wrong) == 0 {
		c.say("%s is sent", name)
		return nil
	}
	if !c.apply || mine[0].Stage != stagePostOperation {
		c.todo("step for %s: %s", name, strings.Join(wrong, "; "))
		return nil
	}
	body, err := json.Marshal(properties(want))
	if err != nil {
		return err
	}
	if err := c.client.Update(ctx, "sdkmessageprocessingsteps", mine[0].id, "", body); err != nil {
		return err
	}
	c.say("corrected: %s: %s", name, strings.Join(wrong, "; "))
	return nil
}

// differences says in words what is wrong with a step.
func differences(has processingStep, want Step) []string {
	var out []string
	if has.Stage != stagePostOperation {
		out = append(out, "it isn't in stage PostOperation")
	}
	if has.Mode != modeAsynchronous {
		out = append(out, "it isn't asynchronous, so a failure rolls the user's change back")
	}
	if has.State != stateEnabled {
		out = append(out, "it is switched off")
	}
	if !has.AutoDelete {
		out = append(out, "it keeps a system job for each event")
	}
	var given []string
	for a := range strings.SplitSeq(has.Attributes, ",") {
		if a = strings.ToLower(strings.TrimSpace(a)); a != "" {
			given = append(given, a)
		}
	}
	if slices.Sort(given); !slices.Equal(given, want.Attributes) {
		switch missing := slices.DeleteFunc(slices.Clone(want.Attributes), func(a string) bool { return slices.Contains(given, a) }); {
		case len(given) == 0:
			out = append(out, "it has no filtering attributes, so every update is sent")
		case len(missing) > 0:
			out = append(out, "a change of "+strings.Join(missing, ", ")+" isn't sent")
		default:
			out = append(out, "it has filtering attributes that no contract reads")
		}
	}
	return out
}

// properties are what a step must have and may be changed.
func properties(want Step) map[string]any {
	out := map[string]any{"stage": stagePostOperation, "mode": modeAsynchronous, "asyncautodelete": true, "statecode": stateEnabled, "statuscode": 1, "filteringattributes": nil}
	if want.Attributes != nil {
		out["filteringattributes"] = strings.Join(want.Attributes, ",")
	}
	return out
}

func (c *dataverseCheck) register(ctx context.Context, want Step, message, filter string) error {
	body := properties(want)
	delete(body, "statecode") // a new step is switched on
	delete(body, "statuscode")
	body["name"] = "Crosswalk: " + want.Message + " of " + want.Table
	body["rank"], body["supporteddeployment"] = 1, 0
	body["eventhandler_serviceendpoint@odata.bind"] = "/serviceendpoints(" + c.has.id + ")"
	body["sdkmessageid@odata.bind"] = "/sdkmessages(" + message + ")"
	body["sdkmessagefilterid@odata.bind"] = "/sdkmessagefilters(" + filter + ")"
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.client.Create(ctx, "sdkmessageprocessingsteps", uuid.NewString(), text)
}

// filterOf returns the ids of a message and of its filter for the table, "" where Dataverse has none.
func (c *dataverseCheck) filterOf(ctx context.Context, want Step) (message, filter string, err error) {
	err = c.rows(ctx, "sdkmessages", "sdkmessageid", []dataverse.KeyValue{{Name: "name", Value: want.Message, Quoted: true}}, nil, func(id string, _ []byte) error {
		message = id
		return nil
	})
	if err != nil || message == "" {
		return "", "", err
	}
	err = c.rows(ctx, "sdkmessagefilters", "sdkmessagefilterid", []dataverse.KeyValue{{Name: "_sdkmessageid_value", Value: message}, {Name: "primaryobjecttypecode", Value: want.Table, Quoted: true}}, nil,
		func(id string, _ []byte) error {
			if filter != "" {
				return fmt.Errorf("two filters")
			}
			filter = id
			return nil
		})
	return message, filter, err
}
