package registration_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"crosswalk/shared/registration"
)

const endpointID = "0aa10000-0000-4000-8000-000000000001"

const queueEndpoint = `{"serviceendpointid":"` + endpointID + `","name":"crosswalk","contract":6,"connectionmode":1,"messageformat":2,"path":"dataverse-events","solutionnamespace":"contoso","userclaim":1}`

// editDataverse changes Dataverse as its administrator does.
func (e *environment) editDataverse(method, path, body string) {
	e.t.Helper()
	if status, answer := e.Dataverse().Edit(method, path, []byte(body)); status >= 300 {
		e.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

// checkSteps compares and wants that many things left to do, and the texts.
func (e *environment) checkSteps(apply bool, left int, want ...string) {
	e.t.Helper()
	var said strings.Builder
	got, err := e.needs.CheckDataverse(e.t.Context(), e.rows, registration.Environment{Endpoint: "crosswalk"}, apply, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
	if err != nil || got != left {
		e.t.Errorf("%d left, want %d: %v\n%s", got, left, err, said.String())
	}
	for _, text := range want {
		if !strings.Contains(said.String(), text) {
			e.t.Errorf("%q wasn't said:\n%s", text, said.String())
		}
	}
}

// stepRows returns the registered steps by name.
func (e *environment) stepRows() map[string]map[string]any {
	e.t.Helper()
	out := map[string]map[string]any{}
	for _, r := range e.Dataverse().Rows("sdkmessageprocessingstep") {
		var v map[string]any
		if err := json.Unmarshal(r.JSON, &v); err != nil {
			e.t.Fatal(err)
		}
		out[v["name"].(string)] = v
	}
	return out
}

// From nothing to everything: the endpoint by hand, the steps by --apply, and a second run that changes nothing.
func TestCheckDataverse(t *testing.T) {
	e := newEnvironment(t)
	e.needs = project(t, map[string]string{"a": account("dataverse.account.*", "name", "reject")})
	e.checkSteps(true, 1, "MISSING: service endpoint crosswalk")
	e.editDataverse("POST", "serviceendpoints", queueEndpoint)
	e.checkSteps(false, 3, "no step for Create of account, needed by a", "no step for Update of account", "no step for Delete of account")
	e.checkSteps(true, 0, "registered: Create of account")
	steps := e.stepRows()
	update, remove := steps["Crosswalk: Update of account"], steps["Crosswalk: Delete of account"]
	if len(steps) != 3 || update["filteringattributes"] != "accountnumber,cw_legalentity,name" || remove["filteringattributes"] != nil || update["asyncautodelete"] != true {
		t.Errorf("steps %v", steps)
	}
	e.checkSteps(true, 0, "Update of account is sent")
	if n := len(e.stepRows()); n != 3 {
		t.Errorf("the second run has left %d steps", n)
	}

	// A contract reads one more column, and nobody deletes any more.
	e.needs = project(t, map[string]string{"a": account("dataverse.account.*", "telephone1", "ignore")})
	e.checkSteps(false, 1, "step for Update of account: a change of telephone1 isn't sent", `not needed: step "Crosswalk: Delete of account"`)
	e.checkSteps(true, 0, "corrected: Update of account")
	e.checkSteps(false, 0)
	if got := e.stepRows()["Crosswalk: Update of account"]["filteringattributes"]; got != "accountnumber,cw_legalentity,telephone1" {
		t.Errorf("filtering attributes %v", got)
	}
}

func TestCheckDataverseFindsWhatIsWrong(t *testing.T) {
	e := newEnvironment(t)
	e.needs = project(t, map[string]string{"a": account("dataverse.account.updated", "name", "reject")})
	e.editDataverse("POST", "serviceendpoints", strings.NewReplacer(`"messageformat":2`, `"messageformat":1`, "dataverse-events", "other").Replace(queueEndpoint))
	step := `{"name":"by hand","stage":40,"mode":1,"rank":1,"asyncautodelete":false,"supporteddeployment":0,"eventhandler_serviceendpoint@odata.bind":"/serviceendpoints(` + endpointID + `)",
		"sdkmessageid@odata.bind":"/sdkmessages(0a100000-0000-4000-8000-000000000002)","sdkmessagefilterid@odata.bind":"/sdkmessagefilters(%s)"}`
	filter := ""
	for _, r := range e.Dataverse().Rows("sdkmessagefilter") {
		if text := string(r.JSON); strings.Contains(text, `"account"`) && strings.Contains(text, "0a100000-0000-4000-8000-000000000002") {
			filter = r.Key
		}
	}
	e.editDataverse("POST", "sdkmessageprocessingsteps", fmt.Sprintf(step, filter))
	e.checkSteps(false, 3, "its message format isn't JSON", `its queue is "other" and should be "dataverse-events"`, "every update is sent", "it keeps a system job for each event")
	e.checkSteps(true, 2, "corrected: Update of account")
	e.editDataverse("POST", "sdkmessageprocessingsteps", fmt.Sprintf(step, filter))
	e.checkSteps(true, 3, "2 steps send it, so every event comes 2 times")
}

func TestWebHookIsAnEndpoint(t *testing.T) {
	for url, left := range map[string]int{"https://func.example/api/dataverse-webhook": 0, "https://func.example/api/other": 1} {
		e := newEnvironment(t)
		e.needs = project(t, map[string]string{"a": account("dataverse.account.updated", "name", "reject")})
		e.editDataverse("POST", "serviceendpoints", `{"name":"crosswalk","contract":8,"connectionmode":1,"path":"x","solutionnamespace":"x","userclaim":1,"url":"`+url+`"}`)
		e.checkSteps(true, left, "registered: Update of account")
	}
}
