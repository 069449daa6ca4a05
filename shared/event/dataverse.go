package event

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"crosswalk/shared/eventtype"
	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
)

// columnPrefix begins the names of a virtual table's columns; an F&O property's name in lower case follows.
const columnPrefix = "mserp_"

// legalEntityColumn is the column of a virtual table that names F&O's legal entity.
const legalEntityColumn = columnPrefix + "dataareaid"

// zeroID is what a context carries where it has no id.
const zeroID = "00000000-0000-0000-0000-000000000000"

var (
	tableNames    = formOf(128, `^[A-Za-z_][0-9A-Za-z_]*$`)
	messageNames  = formOf(128, `^[A-Za-z_][0-9A-Za-z_.]*$`)
	organisations = formOf(128, `^[0-9A-Za-z_.-]+$`)
	wholeNumber   = formOf(20, `^-?(0|[1-9][0-9]{0,18})$`)
	guids         = formOf(38, `^\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?$`)
)

// execution is a Dataverse execution context, its names and ids in lower case.
type execution struct {
	message, table, record, organisation string
	target                               target
	at                                   time.Time
}

func (p *parser) executionContext(m *members, body []byte) error {
	c, err := readExecution(m)
	if err != nil {
		return err
	}
	a := attributes{time: c.at, sequence: fmt.Sprintf("%020d", c.at.UnixMilli())}
	kind, isDataEvent := eventtype.Execution(c.table, c.message)
	a.kind, a.source = kind, "/dataverse/"+c.organisation
	key := ""
	if isDataEvent {
		a.source = "/fno/" + c.target.legalEntity
		key = c.target.subject(c.table)
	}
	switch a.subject = c.table; {
	case key != "":
		a.subject = key
	case c.record != "":
		a.subject += "/" + c.record
	case isDataEvent:
		return fault.Reject("field-missing", pointer(c.target.at), "neither PrimaryEntityId nor the Target says which row it is")
	case eventtype.IsRowChange(c.message):
		return m.missing(primaryEntityID)
	}
	if a.id, err = c.id(m, body); err != nil {
		return err
	}
	p.Events = append(p.Events, a.event(body))
	return nil
}

func readExecution(m *members) (c execution, err error) {
	read := func(i member, need bool, want form, wanted string) string {
		if err != nil {
			return ""
		}
		get := m.optional
		if need {
			get = m.required
		}
		var text string
		text, err = get(i, want, wanted)
		return strings.ToLower(text)
	}
	c.message = read(messageName, true, messageNames, "wanted the name of a message")
	c.table = read(primaryEntityName, true, tableNames, "wanted the logical name of a table")
	c.record = bareID(read(primaryEntityID, true, guids, "wanted a GUID"))
	if c.organisation = read(organizationName, false, organisations, "wanted the unique name of an organisation"); c.organisation == "" {
		c.organisation = unknown
	}
	if err != nil {
		return c, err
	}
	if c.at, err = m.time(operationCreatedOn); err != nil {
		return c, err
	}
	if c.at.IsZero() {
		return c, m.missing(operationCreatedOn)
	}
	if c.at.UnixMilli() < 0 {
		return c, m.bad(operationCreatedOn, "wanted a time after 1970")
	}
	// Data events carry the zero id and name their row in the Target only.
	if c.record == "" || eventtype.IsVirtual(c.table) {
		if c.target, err = readTarget(m, keyColumns(c.table)); err != nil {
			return c, err
		}
		if c.record == "" {
			c.record = c.target.id
		}
	}
	return c, nil
}

// bareID returns a GUID in lower case and without braces, "" for the zero one.
func bareID(id string) string {
	id = strings.ToLower(strings.Trim(id, "{}"))
	if id == zeroID {
		return ""
	}
	return id
}

// id returns what tells this event from all others and stays the same when it is sent again.
func (c execution) id(m *members, body []byte) (string, error) {
	operation, err := m.text(operationID)
	if err != nil {
		return "", err
	}
	if operation = bareID(operation); strings.TrimSpace(operation) == "" {
		// Data events name no operation. Their bytes are the same when they come twice and differ in OperationCreatedOn,
		// CorrelationId or the values when they are two.
		sum := sha256.Sum256(body)
		operation = hex.EncodeToString(sum[:])
	}
	step, err := readStep(m)
	if err != nil {
		return "", err
	}
	atStage := m.values[contextStage]
	if atStage.kind != 0 && atStage.kind != 'n' && atStage.kind != '0' {
		return "", m.bad(contextStage, "wanted a number")
	}
	parts := []string{c.organisation, operation, c.message, c.table, c.record, string(atStage.raw), step}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:32], nil
}

// readStep returns the id of the registered step that sent the context, "" where it isn't said.
func readStep(m *members) (string, error) {
	v := m.values[owningExtension]
	if v.kind != '{' {
		return "", nil
	}
	var id string
	err := scan(v.raw, m.path(owningExtension), func(s *scanner) error {
		return s.members(func(name []byte) (err error) {
			if string(name) == "Id" {
				id, err = s.text()
				return err
			}
			_, _, err = s.skip()
			return err
		})
	})
	return bareID(id), err
}

// target is what the Target of a request says about its row.
type target struct {
	at          string   // JSON pointer of where the row's id is or should be
	id          string   // in lower case, "" where it isn't said
	legalEntity string   // in lower case, "unknown" where it isn't said
	key         []string // the values of the entity's key, each "" where it isn't said
}

// keyColumns returns a virtual table's columns for the key of the F&O entity that it shows; none for an entity without a
// schema.
func keyColumns(table string) []string {
	e, ok := schema.Virtual(table)
	if !ok {
		return nil
	}
	out := make([]string, len(e.PrimaryKey))
	for i, name := range e.PrimaryKey {
		out[i] = columnPrefix + strings.ToLower(name)
	}
	return out
}

// subject names the row as F&O's OData addresses it, such as CustomersV3/usmf/US-001; "" where the event doesn't hold the
// whole key. A data event's own id of a row is a GUID that only Dataverse knows.
func (t target) subject(table string) string {
	e, ok := schema.Virtual(table)
	if !ok || slices.Contains(t.key, "") {
		return ""
	}
	subject := e.Set + "/" + schema.KeyText(t.key)
	if presentable(subject) != subject {
		return ""
	}
	return subject
}

// readTarget reads the row's id out of InputParameters, and its legal entity and key out of the Target or, where an update
// didn't touch them, out of the PreImage. Contexts that were too large come without InputParameters.
func readTarget(m *members, key []string) (target, error) {
	t := target{at: m.path(inputParameters), legalEntity: unknown, key: make([]string, len(key))}
	v := m.values[inputParameters]
	if v.kind != '[' {
		return t, nil
	}
	var row, image entity
	err := pairs(v.raw, m.path(inputParameters), func(name string, at string, v value) (err error) {
		if v.kind != '{' {
			return nil
		}
		switch name {
		case "Target":
			row, err = readEntity(v.raw, at, key)
			t.id, t.at = row.id, at+"/Id"
		case "PreImage":
			image, err = readEntity(v.raw, at, key)
		}
		return err
	})
	t.legalEntity = cmp.Or(row.legalEntity, image.legalEntity, unknown)
	for i, name := range key {
		t.key[i] = cmp.Or(row.columns[name], image.columns[name])
	}
	return t, err
}

// entity is the part of an Entity or EntityReference that identifies its row: its id, its legal entity in lower case, and
// the wanted columns that hold something.
type entity struct {
	id, legalEntity string
	columns         map[string]string
}

func readEntity(body []byte, at string, wanted []string) (e entity, err error) {
	e.columns = map[string]string{}
	err = scan(body, at, func(s *scanner) error {
		return s.members(func(name []byte) (err error) {
			switch string(name) {
			case "Id":
				if e.id, err = s.text(); err != nil {
					return err
				}
				if e.id = bareID(e.id); e.id != "" && !guids.fits(e.id) {
					err = fault.Reject("bad-value", s.here(), "wanted a GUID")
				}
				return err
			case "Attributes":
				kind, raw, err := s.skip()
				if err != nil || kind != '[' {
					return err
				}
				return pairs(raw, s.at+"/Attributes", func(key, at string, v value) error {
					return e.attribute(key, at, v, wanted)
				})
			}
			_, _, err = s.skip()
			return err
		})
	})
	return e, err
}

// attribute keeps a column that identifies the row: a text, or a whole number such as a record id.
func (e *entity) attribute(name, at string, v value, wanted []string) error {
	if name != legalEntityColumn && !slices.Contains(wanted, name) {
		return nil
	}
	text := v.raw
	switch v.kind {
	case '"':
		var err error
		if text, err = unquote(v.raw); err != nil {
			return err
		}
	case '0':
		if !wholeNumber.fits(string(v.raw)) {
			return nil
		}
	default:
		return nil
	}
	if name != legalEntityColumn {
		e.columns[name] = string(text)
		return nil
	}
	if len(text) > 0 && !legalEntities.fits(string(text)) {
		return fault.Reject("bad-value", pointer(at), "wanted the id of a legal entity")
	}
	e.legalEntity = strings.ToLower(string(text))
	if slices.Contains(wanted, name) {
		e.columns[name] = e.legalEntity
	}
	return nil
}

// pairs reads a dictionary as .NET's data contracts write it, a list of {"key":…,"value":…} in either order, and calls
// pair with each key, the JSON pointer of its value and the value. Elements of another shape are passed over.
func pairs(body []byte, at string, pair func(key, at string, v value) error) error {
	return scan(body, at, func(s *scanner) error {
		return s.elements(func(i int) error {
			if s.dec.PeekKind() != '{' {
				_, _, err := s.skip()
				return err
			}
			var key string
			var v value
			err := s.members(func(name []byte) (err error) {
				switch string(name) {
				case "key":
					key, err = s.text()
				case "value":
					v.kind, v.raw, err = s.skip()
				default:
					_, _, err = s.skip()
				}
				return err
			})
			if err != nil {
				return err
			}
			return pair(key, s.at+"/"+strconv.Itoa(i)+"/value", v)
		})
	})
}

// text reads the next value and returns it if it is a string, else "".
func (s *scanner) text() (string, error) {
	kind, raw, err := s.skip()
	if err != nil || kind != '"' {
		return "", err
	}
	text, err := unquote(raw)
	return string(text), err
}
