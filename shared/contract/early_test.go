package contract

import (
	"strings"
	"testing"
)

func TestDateParts(t *testing.T) {
	const berlin = ", zone: Europe/Berlin, blank: null"
	at := func(part, zone string) string { return "text: {from: At, datePart: " + part + ", zone: " + zone + "}" }
	const night = `"At":"2026-12-31T23:30:15Z"` // 2027-01-01 00:30:15 in Berlin, still 2026 in New York
	runOperations(t, []operationCase{
		{eventToTable, at("year", "Europe/Berlin"), night, `text="2027"`},
		{eventToTable, at("year", "America/New_York"), night, `text="2026"`},
		{eventToTable, at("quarter", "Europe/Berlin"), night, `text="1"`},
		{eventToTable, at("quarter", "UTC"), night, `text="4"`},
		{eventToTable, at("month", "Europe/Berlin"), night, `text="1"`},
		{eventToTable, at("day", "America/New_York"), night, `text="31"`},
		{eventToTable, at("weekday", "Europe/Berlin"), night, `text="5"`},
		{eventToTable, at("week", "Europe/Berlin"), night, `text="53"`},
		{eventToTable, at("weekYear", "Europe/Berlin"), night, `text="2026"`},
		{eventToTable, at("date", "Europe/Berlin"), night, `text="2027-01-01"`},
		{eventToTable, at("time", "Europe/Berlin"), night, `text="00:30:15"`},
		{eventToTable, at("time", "Asia/Kathmandu"), night, `text="05:15:15"`},
		{eventToTable, at("time", "Europe/Berlin"), `"At":"2026-07-01T10:00:00"`, `text="10:00:00"`},           // a time without a zone is the zone's
		{eventToTable, at("time", "Europe/Berlin"), `"At":"2026-03-29T02:30:00"`, `bad-value: text (from At)`}, // the clocks skip it
		{eventToTable, "text: {from: Day, datePart: weekday}", `"Day":"2026-07-05"`, `text="7"`},               // a Sunday
		{eventToTable, "text: {from: Day, datePart: weekday}", `"Day":"2026-07-06"`, `text="1"`},               // a Monday
		{eventToTable, "text: {from: Day, datePart: week}", `"Day":"2025-12-29"`, `text="1"`},                  // of 2026
		{eventToTable, "text: {from: Day, datePart: quarter}", `"Day":"2026-03-31"`, `text="1"`},               // and the day after …
		{eventToTable, "text: {from: Day, datePart: quarter}", `"Day":"2026-04-01"`, `text="2"`},               // … begins the next
		{eventToTable, "text: {from: Day, datePart: day}", `"Day":"2028-02-29T00:00:00Z"`, `text="29"`},        // a leap day
		{eventToTable, `short: {from: Day, datePart: month, pad: {to: 2, with: "0"}}`, `"Day":"2026-07-01"`, `short="07"`},
		{eventToTable, `short: {from: Day, datePart: quarter, prefix: Q}`, `"Day":"2026-07-01"`, `short="Q3"`},
		{eventToTable, `terms: {from: Day, datePart: quarter, table: {"1": 1, "2": 1}, other: 2}`, `"Day":"2026-07-01"`, `terms=2`},
		{eventToTable, `whole: {from: Day, datePart: month}`, `"Day":"2026-07-01"`, `whole=7`},
		{eventToTable, `whole: {from: At, datePart: month` + berlin + `}`, `"At":"1900-01-01T00:00:00Z"`, `whole=null`}, // F&O's "not set" is blank, not a month
		{eventToTable, `whole: {from: At, datePart: month` + berlin + `}`, `"At":""`, `whole=null`},
		{eventToTable, `whole: {from: At, datePart: month, zone: UTC, blank: {from: Day, blank: reject}}`, `"At":null,"Day":"2026-07-01"`, `whole=7`},
		{eventToTable, `whole: {from: At, datePart: month, zone: UTC, blank: {from: Day, blank: reject}}`, `"At":null,"Day":null`, `blank-required: whole (from Day)`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `whole: {from: At, datePart: month}`, "contract.yaml:11:31: field whole: datePart: At is an instant, and its month depends on the zone (fix: add the zone whose clocks are meant, such as zone: Europe/Berlin)"},
		{eventToTable, `text: {from: Day, datePart: time}`, "contract.yaml:11:31: field text: datePart: Day is a day and has no time (fix: map an instant)"},
		{eventToTable, `whole: {from: Day, datePart: month, zone: UTC}`, "contract.yaml:11:45: field whole: a day stays the same day in every zone (fix: remove zone)"},
		{eventToTable, `whole: {from: Text, datePart: month}`, "contract.yaml:11:17: field whole: datePart: Text is a text (fix: map a date, or remove datePart)"},
		{eventToTable, `text: {from: Day, longer: reject, datePart: months}`, `contract.yaml:11:47: field text: datePart: "months" isn't known (fix: write year, quarter, month, day, weekday, week, weekYear, date or time)`},
		{eventToTable, `text: {from: [Text, Day], with: " ", datePart: date}`, "contract.yaml:11:50: field text: datePart, and split, strip and case of a fallback, take the value of one column (fix: map one column)"},
		{eventToTable, `day: {from: At, datePart: date, zone: UTC}`, "contract.yaml:11:15: field day: At (its date) can't become day (DateTime) without loss: a date must come from a date (fix: map a date field)"},
		{eventToTable, `short: {from: Day, datePart: date}`, "contract.yaml:11:17: field short: Day can have 10 characters, and short takes 3 (fix: add longer: reject or longer: cut)"},
		{eventToTable, `text: {value: x, datePart: year}`, "contract.yaml:11:30: field text: datePart means nothing for a fixed value (fix: remove datePart)"},
		{eventToTable, `text: {compute: Text, longer: reject, datePart: year}`, "contract.yaml:11:51: field text: datePart means nothing for a computed value (fix: remove datePart)"},
	})
}

func TestOperationsOfAFallback(t *testing.T) {
	const (
		lastName = `text: {from: Text, blank: {from: Other, split: {by: " ", part: last}, blank: {value: nobody}}}`
		stripped = `text: {from: Text, blank: {from: Other, strip: C-, case: lower, blank: null}, case: upper, prefix: "#", longer: reject}`
	)
	runOperations(t, []operationCase{
		{eventToTable, lastName, `"Text":"van der Berg","Other":"Ann Smith"`, `text="van der Berg"`}, // the field's own value isn't split
		{eventToTable, lastName, `"Text":"","Other":"Ann  Smith "`, `text="Smith"`},
		{eventToTable, lastName, `"Text":"","Other":""`, `text="nobody"`},
		{eventToTable, strings.Replace(lastName, "part: last", "part: 2", 1), `"Text":"","Other":"Ann"`, `text="nobody"`}, // no second part is blank
		{eventToTable, stripped, `"Text":"C-a"`, `text="#C-A"`},
		{eventToTable, stripped, `"Text":null,"Other":"C-a"`, `text="#A"`}, // the fallback's operations, then the field's
		{eventToTable, stripped, `"Text":null,"Other":"C-"`, `bad-value: text (from Other)`},
		{eventToTable, `text: {from: Text, blank: {from: Whole, strip: {leading: "0"}, blank: null}}`, `"Text":"","Whole":7`, `text="7"`},
		{eventToTable, `text: {from: Text, when: 'Text != "x"', otherwise: {from: Other, split: {by: "/", part: 1}, blank: null}}`, `"Text":"x","Other":"a/b"`, `text="a"`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `text: {from: Text, blank: {value: x, split: {by: "/", part: 1}}}`, `contract.yaml:11:48: field text: blank: a fixed value isn't edited (fix: write the value as it is meant)`},
		{eventToTable, `text: {from: Text, blank: {from: Day, case: lower, blank: null}}`, `contract.yaml:11:47: field text: a date can't be edited as a text (fix: remove split, strip and case)`},
		{eventToTable, `text: {from: Text, blank: {from: Other, split: {by: " "}, blank: null}}`, `contract.yaml:11:51: field text: split: part is missing (fix: add part: …, as in {by: " ", part: first})`},
		{eventToTable, `text: {from: Text, blank: {from: Other, prefix: x, blank: null}}`, `contract.yaml:11:43: field text: blank: unknown key "prefix" (fix: remove it; known keys are blank, case, from, split, strip, value)`},
		{eventToTable, `partyid: {from: Text, link: {pair: x, entity: target}, blank: {from: Other, case: lower, blank: null}}`, `contract.yaml:11:85: field partyid: datePart, and split, strip and case of a fallback, take the value of one column (fix: map one column)`},
	})
}

// A map lists the options of a fallback too.
func TestAMapListsTheOptionsOfAFallback(t *testing.T) {
	testSchemas["fno/Posted2"] = `{"system":"fno","entity":"Posted2","event":"fno.Posted2","columns":{"Id":{"type":"String","maxLength":20},
		"Kind":{"type":"Enum","options":{"No":"","Yes":""}},"Old":{"type":"Enum","options":{"None":"","Some":""}}}}`
	defer delete(testSchemas, "fno/Posted2")
	head := strings.ReplaceAll(eventToTable, "Posted", "Posted2")
	runOperations(t, []operationCase{
		{head, `hold: {from: Kind, map: {"No": false, "Yes": true, None: false, Some: true}, blank: {from: Old, blank: null}}`, `"Kind":"","Old":"Some"`, `hold=true`},
	})
	runFindings(t, []fieldCase{
		{head, `hold: {from: Kind, map: {"No": false, "Yes": true, Any: true}, blank: {from: Old, blank: null}}`, `contract.yaml:11:54: field hold: Kind has no option "Any" (fix: use one of No, Yes)`},
	})
}

func TestEarlyOperationsAreTold(t *testing.T) {
	for field, want := range map[string]string{
		`whole: {from: At, datePart: week, zone: Europe/Berlin, blank: null}`:                            "its week by ISO 8601 by the clocks of Europe/Berlin; blank → null",
		`text: {from: Text, blank: {from: Other, strip: C-, split: {by: " ", part: last}, blank: null}}`: `blank → Other, the last part, split by " ", without the beginning "C-" (there blank → null)`,
	} {
		p := testPlan(t, eventToTable, field)
		steps, err := p.Trace([]byte(`{"Id":"1","At":"2026-07-01T00:00:00Z","Text":"","Other":"a C-b"}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := steps[1].Words(); got != want {
			t.Errorf("%s\n says  %s\n wants %s", field, got, want)
		}
		if read := steps[1].Read[len(steps[1].Read)-1]; read.JSON == nil || read.Empty != "" {
			t.Errorf("%s: the last value read is %s %q", field, read.JSON, read.Empty)
		}
	}
}
