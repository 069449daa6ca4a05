package dataverse

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/schemas"
)

// The tables by which Dataverse sends events, which the published set lacks: endpoints, messages, the tables that each
// message is for, and steps. Columns are from Microsoft's table reference, those that are looked at; required levels and the
// refusals below, but for their reasons, are UNCONFIRMED. The simulator sends no events by them.
var eventTables = []schemas.Table{
	{Name: "serviceendpoint", Set: "serviceendpoints", Key: []string{"serviceendpointid"}, Columns: []schemas.Column{
		{Name: "serviceendpointid", Type: "Uniqueidentifier", Level: "systemrequired"}, {Name: "name", Type: "String", Limit: "256", Level: "systemrequired"},
		{Name: "contract", Type: "Picklist", Level: "systemrequired", Detail: "1=OneWay|2=Queue|3=Rest|4=TwoWay|5=Topic|6=Queue (Persistent)|7=Event Hub|8=Webhook|9=Event Grid|10=Managed Data Lake"},
		{Name: "connectionmode", Type: "Picklist", Level: "systemrequired", Detail: "1=Normal|2=Federated"}, {Name: "messageformat", Type: "Picklist", Detail: "1=Binary XML|2=Json|3=Text XML"},
		{Name: "path", Type: "String", Limit: "160", Level: "systemrequired"}, {Name: "solutionnamespace", Type: "String", Limit: "160", Level: "systemrequired"},
		{Name: "namespaceaddress", Type: "String", Limit: "255"}, {Name: "url", Type: "String", Limit: "2000"},
		{Name: "userclaim", Type: "Picklist", Level: "systemrequired", Detail: "1=None|2=UserId|3=UserInfo"}}},
	{Name: "sdkmessage", Set: "sdkmessages", Key: []string{"sdkmessageid"}, Columns: []schemas.Column{
		{Name: "sdkmessageid", Type: "Uniqueidentifier", Level: "systemrequired"}, {Name: "name", Type: "String", Limit: "256"}}},
	{Name: "sdkmessagefilter", Set: "sdkmessagefilters", Key: []string{"sdkmessagefilterid"}, Columns: []schemas.Column{
		{Name: "sdkmessagefilterid", Type: "Uniqueidentifier", Level: "systemrequired"}, {Name: "sdkmessageid", Type: "Lookup", Detail: "sdkmessage"},
		{Name: "primaryobjecttypecode", Type: "String", Limit: "64"}}},
	{Name: stepTable, Set: "sdkmessageprocessingsteps", Key: []string{"sdkmessageprocessingstepid"}, Columns: []schemas.Column{
		{Name: "sdkmessageprocessingstepid", Type: "Uniqueidentifier", Level: "systemrequired"}, {Name: "name", Type: "String", Limit: "256"},
		{Name: "eventhandler", Type: "Lookup", Level: "systemrequired", Detail: "plugintype|serviceendpoint"}, {Name: "sdkmessageid", Type: "Lookup", Level: "systemrequired", Detail: "sdkmessage"},
		{Name: "sdkmessagefilterid", Type: "Lookup", Detail: "sdkmessagefilter"}, {Name: "filteringattributes", Type: "String", Limit: "100000"},
		{Name: "stage", Type: "Picklist", Level: "systemrequired", Detail: "10=Pre-validation|20=Pre-operation|40=Post-operation"}, {Name: "mode", Type: "Picklist", Level: "systemrequired", Detail: "0=Synchronous|1=Asynchronous"},
		{Name: "rank", Type: "Integer", Level: "systemrequired"}, {Name: "asyncautodelete", Type: "Boolean", Level: "systemrequired"},
		{Name: "supporteddeployment", Type: "Picklist", Level: "systemrequired", Detail: "0=Server Only|1=Microsoft Dynamics 365 Client for Outlook Only|2=Both"},
		{Name: "statecode", Type: "State", Detail: "0=Enabled|1=Disabled"}, {Name: "statuscode", Type: "Status", Detail: "1=Enabled|2=Disabled"}}},
}

const stepTable = "sdkmessageprocessingstep"

// messagePattern and messageFilterPattern are the fixed ids of messages and of their filters.
const (
	messagePattern       = "0a100000-0000-4000-8000-%012d"
	messageFilterPattern = "0a200000-0000-4000-8000-%012d"
)

// seedMessages stores the messages Create, Update and Delete and one filter for each table.
func (s *Simulator) seedMessages() {
	n := 0
	for i, message := range []string{"Create", "Update", "Delete"} {
		id := fmt.Sprintf(messagePattern, i+1)
		s.start("sdkmessage", id, map[string]string{"name": message})
		for _, t := range s.sorted() {
			n++
			s.start("sdkmessagefilter", fmt.Sprintf(messageFilterPattern, n), map[string]string{"_sdkmessageid_value": id, "primaryobjecttypecode": t.name})
		}
	}
}

// checkStep refuses a step that Dataverse refuses: an endpoint is only called after the operation and asynchronously, a
// filter is one of the step's message, and filtering attributes are columns of its table, in updates only. The caller holds
// the store's lock.
func (s *Simulator) checkStep(t *table, v rows.Values) *refusal {
	if t.name != stepTable {
		return nil
	}
	bad := func(text string, args ...any) *refusal {
		return &refusal{http.StatusBadRequest, codePayload, fmt.Sprintf(text, args...)}
	}
	handler, _ := odata.Text(v["_eventhandler_value"])
	endpoint := s.store.Get("serviceendpoint", handler)
	if endpoint == nil {
		return bad("Only steps of service endpoints are simulated.")
	}
	if string(v["stage"]) != "40" {
		return bad("Only the post-operation stage is supported for service endpoint steps.")
	}
	if string(v["mode"]) != "1" && string(endpoint.Values["contract"]) != "8" {
		return bad("Only asynchronous steps are supported for service endpoints.")
	}
	filterID, _ := odata.Text(v["_sdkmessagefilterid_value"])
	filter := s.store.Get("sdkmessagefilter", filterID)
	if filter == nil {
		return bad("Only steps of a table are simulated: sdkmessagefilterid is missing.")
	}
	if string(filter.Values["_sdkmessageid_value"]) != string(v["_sdkmessageid_value"]) {
		return bad("SdkMessageFilter is not valid for the SdkMessage of the step.")
	}
	attributes, _ := odata.Text(v["filteringattributes"])
	if attributes == "" {
		return nil
	}
	if string(v["_sdkmessageid_value"]) != string(odata.Quote(fmt.Sprintf(messagePattern, 2))) {
		return bad("Filtering attributes are only supported for Update.")
	}
	name, _ := odata.Text(filter.Values["primaryobjecttypecode"])
	on := s.tables[name]
	if i := slices.IndexFunc(strings.Split(attributes, ","), func(a string) bool { return on.byName[a] == nil }); i >= 0 {
		return bad("The attribute '%s' of the filtering attributes doesn't exist on '%s'.", strings.Split(attributes, ",")[i], name)
	}
	return nil
}
