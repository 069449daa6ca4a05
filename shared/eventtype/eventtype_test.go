package eventtype

import "testing"

func TestTypes(t *testing.T) {
	if got := BusinessEvent("SalesInvoicePostedBusinessEvent"); got != "fno.SalesInvoicePosted" {
		t.Error(got)
	}
	if got := BusinessEvent("BusinessEvent"); got != "fno.BusinessEvent" {
		t.Error(got)
	}
	for _, tt := range []struct {
		table, message, want string
		dataEvent            bool
	}{
		{"account", "update", "dataverse.account.updated", false},
		{"account", "cw_approve", "dataverse.account.cw_approve", false},
		{"mserp_custcustomerv3entity", "onexternaldeleted", "fno.custcustomerv3entity.deleted", true},
		{"account", "onexternaldeleted", "dataverse.account.onexternaldeleted", false},
		{"mserp_custcustomerv3entity", "update", "dataverse.mserp_custcustomerv3entity.updated", false},
	} {
		if kind, dataEvent := Execution(tt.table, tt.message); kind != tt.want || dataEvent != tt.dataEvent {
			t.Errorf("%s %s: %s, %t", tt.table, tt.message, kind, dataEvent)
		}
	}
}

// Every type that a receiver makes can be asked for, by itself and by each beginning of it.
func TestWhatIsPublishedIsNeverRefused(t *testing.T) {
	types := []string{BusinessEvent("SalesInvoicePostedBusinessEvent"), BusinessEvent("Workflow_Expense_00001_Started")}
	for _, table := range []string{"account", "cw_thing", "mserp_vendvendorv2entity"} {
		for _, message := range []string{"create", "update", "delete", "associate", "cw_approve", "onexternalcreated", "onexternalupdated", "onexternaldeleted"} {
			kind, _ := Execution(table, message)
			if !IsVirtual(table) && dataEventMessages[message] != "" {
				continue // only virtual tables have data from outside
			}
			types = append(types, kind)
		}
	}
	for _, kind := range types {
		patterns := []string{kind}
		for i := len(System(kind)) + 1; i <= len(kind); i++ {
			patterns = append(patterns, kind[:i]+"*")
		}
		for _, pattern := range patterns {
			if why, instead := Never(pattern); why != "" || instead != "" {
				t.Errorf("%s is refused: %s (%s)", pattern, why, instead)
			}
		}
	}
}

func TestNever(t *testing.T) {
	for _, tt := range []struct{ pattern, why, instead string }{
		{"salesforce.Account.*", "only the systems dataverse and fno have a receiver", "write fno.<event>, fno.<entity>.<change> or dataverse.<table>.<change>"},
		{"fno", "only the systems dataverse and fno have a receiver", "write fno.<event>, fno.<entity>.<change> or dataverse.<table>.<change>"},
		{"fno.*.changed", "* may stand only at the end", "keep only the * at the end"},
		{"fno.SalesInvoicePostedBusinessEvent", "a business event is published without the suffix BusinessEvent", "write fno.SalesInvoicePosted"},
		{"fno.BusinessEventsTestEndpointContract", "F&O's test event asks for nothing, so no receiver passes it on", "name the business event that the flow waits for"},
		{"fno.CustCustomerV3Entity.*", "tables and entities are published in lower case", "write fno.custcustomerv3entity.*"},
		{"fno.mserp_custcustomerv3entity.*", "an entity is published without mserp_", "write fno.custcustomerv3entity.*"},
		{"fno.custcustomerv3entity.changed", "an entity is created, updated or deleted and nothing else", "write fno.custcustomerv3entity.created, .updated, .deleted or .*"},
		{"fno.custcustomerv3entity.update", "a change is published in the past tense", "write fno.custcustomerv3entity.updated"},
		{"fno.custcustomerv3entity.onexternalcreated", "a change is published in the past tense", "write fno.custcustomerv3entity.created"},
		{"dataverse.Account.updated", "tables and entities are published in lower case", "write dataverse.account.updated"},
		{"dataverse.account", "a table's events name what happened", "write dataverse.account.* or dataverse.account.updated"},
		{"dataverse.account.Update", "a change is published in the past tense", "write dataverse.account.updated"},
		{"dataverse.account.cw_Approve", "messages are published in lower case", "write dataverse.account.cw_approve"},
		{"dataverse.account.", "it doesn't say what happened", "write dataverse.account.created, .updated, .deleted or .*"},
	} {
		if why, instead := Never(tt.pattern); why != tt.why || instead != tt.instead {
			t.Errorf("%s: %q, %q", tt.pattern, why, instead)
		}
	}
}

func TestOfRow(t *testing.T) {
	for _, tt := range []struct {
		table, virtualTable, pattern string
		want                         bool
	}{
		{"account", "", "dataverse.account.*", true},
		{"account", "", "dataverse.account.updated", true},
		{"account", "", "dataverse.accounts.*", false},
		{"account", "", "dataverse.*", false},
		{"CustomersV3", "mserp_custcustomerv3entity", "fno.custcustomerv3entity.*", true},
		{"CustomersV3", "mserp_custcustomerv3entity", "fno.custcustomerv3entity.deleted", true},
		{"CustomersV3", "mserp_custcustomerv3entity", "fno.customersv3.*", false},
		{"CustomersV3", "mserp_custcustomerv3entity", "fno.*", false},
		{"CustomersV3", "mserp_custcustomerv3entity", "fno.CustomerChanged", true},
		{"Currencies", "", "fno.currencies.*", true},
	} {
		if got := OfRow(tt.table, tt.virtualTable, tt.pattern); got != tt.want {
			t.Errorf("%s of %s: %t", tt.pattern, tt.table, got)
		}
	}
}
