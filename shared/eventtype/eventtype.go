// Package eventtype names the types of the events that receivers publish, and tells which types can never come. The
// receivers make their types with it and the contracts' check judges patterns by it, so neither knows a type that the other
// doesn't.
//
//	fno.<event>                       a business event: its BusinessEventId without the suffix BusinessEvent
//	fno.<entity>.<change>             a data event: the virtual table's name without mserp_, in lower case
//	dataverse.<table>.<change>        a row's change; <change> is created, updated, deleted or the name of another message
package eventtype

import (
	"slices"
	"strings"
)

// Names of the systems whose events a receiver publishes.
const (
	FnO       = "fno"
	Dataverse = "dataverse"
)

// What happened to a row.
const (
	Created = "created"
	Updated = "updated"
	Deleted = "deleted"
)

var changes = []string{Created, Updated, Deleted}

// TestEvent is the BusinessEventId of what F&O sends once, when an endpoint is activated; it is never published.
const TestEvent = "BusinessEventsTestEndpointContract"

// businessEventSuffix ends the class names of business events and isn't part of the type.
const businessEventSuffix = "BusinessEvent"

// virtualPrefix begins the names of the Dataverse tables that show F&O entities.
const virtualPrefix = "mserp_"

// rowMessages are the messages that create, update or delete a row.
var rowMessages = map[string]string{"create": Created, "update": Updated, "delete": Deleted}

// dataEventMessages are their counterparts in F&O data events.
var dataEventMessages = map[string]string{"onexternalcreated": Created, "onexternalupdated": Updated, "onexternaldeleted": Deleted}

// IsVirtual reports whether a Dataverse table shows an F&O entity. The name is in lower case.
func IsVirtual(table string) bool { return strings.HasPrefix(table, virtualPrefix) }

// IsRowChange reports whether a Dataverse message, in lower case, creates, updates or deletes a row.
func IsRowChange(message string) bool { return rowMessages[message] != "" }

// BusinessEvent returns the type of F&O's business event with this BusinessEventId.
func BusinessEvent(id string) string {
	name := strings.TrimSuffix(id, businessEventSuffix)
	if name == "" {
		name = id
	}
	return FnO + "." + name
}

// Execution returns the type of a Dataverse execution context, both names in lower case. dataEvent is true for an F&O data
// event, which comes as the change of a virtual table.
func Execution(table, message string) (kind string, dataEvent bool) {
	if change, ok := dataEventMessages[message]; ok && IsVirtual(table) {
		return FnO + "." + strings.TrimPrefix(table, virtualPrefix) + "." + change, true
	}
	if change, ok := rowMessages[message]; ok {
		message = change
	}
	return Dataverse + "." + table + "." + message, false
}

// System returns the system that events of a pattern come from, "" where no receiver publishes for it.
func System(pattern string) string {
	system, rest, _ := strings.Cut(pattern, ".")
	if rest == "" || system != FnO && system != Dataverse {
		return ""
	}
	return system
}

// Rows returns the pattern of all changes of a table's or an entity's rows. virtualTable is the Dataverse table that shows an
// F&O entity, "" for a Dataverse table.
func Rows(table, virtualTable string) string {
	if virtualTable != "" {
		return FnO + "." + strings.TrimPrefix(virtualTable, virtualPrefix) + ".*"
	}
	return Dataverse + "." + table + ".*"
}

// OfRow reports whether the events of a pattern can be about rows of a table or entity. That of a business event is taken
// for true, because nothing here knows which record it is about; and so is that of an F&O entity whose virtual table isn't
// known.
func OfRow(table, virtualTable, pattern string) bool {
	if System(pattern) == FnO && (virtualTable == "" || strings.Count(pattern, ".") == 1 && !strings.HasSuffix(pattern, "*")) {
		return true
	}
	return strings.HasPrefix(pattern, strings.TrimSuffix(Rows(table, virtualTable), "*"))
}

// Never says why no receiver can publish an event that the pattern selects, and what to write instead; both are "" for a
// pattern that can be selected. A pattern is a type, or the beginning of one followed by *.
func Never(pattern string) (why, instead string) {
	system := System(pattern)
	if system == "" {
		return "only the systems dataverse and fno have a receiver", "write fno.<event>, fno.<entity>.<change> or dataverse.<table>.<change>"
	}
	name, wild := strings.CutSuffix(strings.TrimPrefix(pattern, system+"."), "*")
	if strings.Contains(name, "*") {
		return "* may stand only at the end", "keep only the * at the end"
	}
	first, change, hasChange := strings.Cut(name, ".")
	switch {
	case first == "" && !wild:
		return "a part of its name is empty", "write " + system + ".<name>"
	case system == FnO && !hasChange:
		return neverBusinessEvent(first, wild)
	case first != strings.ToLower(first):
		return "tables and entities are published in lower case", "write " + system + "." + strings.ToLower(name) + star(wild)
	case IsVirtual(first) && system == FnO:
		return "an entity is published without " + virtualPrefix, "write fno." + strings.TrimPrefix(name, virtualPrefix) + star(wild)
	case !hasChange && wild:
		return "", ""
	case !hasChange:
		return "a table's events name what happened", "write dataverse." + first + ".* or dataverse." + first + ".updated"
	}
	return neverChange(system, first, change, wild)
}

func neverBusinessEvent(name string, wild bool) (why, instead string) {
	short := strings.TrimSuffix(name, businessEventSuffix)
	switch {
	case name == TestEvent:
		return "F&O's test event asks for nothing, so no receiver passes it on", "name the business event that the flow waits for"
	case !wild && short != name && short != "":
		return "a business event is published without the suffix " + businessEventSuffix, "write fno." + short
	}
	return "", ""
}

// neverChange judges what a pattern says about a table's or an entity's change.
func neverChange(system, table, change string, wild bool) (why, instead string) {
	known := slices.ContainsFunc(changes, func(c string) bool { return c == change || wild && strings.HasPrefix(c, change) })
	fix := "write " + system + "." + table + ".created, .updated, .deleted or .*"
	switch {
	case known:
		return "", ""
	case rowMessageOf(change) != "":
		return "a change is published in the past tense", "write " + system + "." + table + "." + rowMessageOf(change)
	case system == FnO:
		return "an entity is created, updated or deleted and nothing else", fix
	case change != strings.ToLower(change):
		return "messages are published in lower case", "write " + system + "." + table + "." + strings.ToLower(change) + star(wild)
	case change == "" && !wild:
		return "it doesn't say what happened", fix
	}
	return "", "" // another message of Dataverse, such as an action of the customer's own
}

// rowMessageOf returns what a message's name becomes in a type, "" where it stays as it is.
func rowMessageOf(message string) string {
	message = strings.ToLower(message)
	if change := rowMessages[message]; change != "" {
		return change
	}
	return dataEventMessages[message]
}

func star(wild bool) string {
	if wild {
		return "*"
	}
	return ""
}
