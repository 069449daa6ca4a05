package contract

import (
	"strings"
	"testing"
)

func TestUnitsAndRounding(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `number: {from: Real, times: "0.001"}`, `"Real":1234.5`, `number=1.2345`},
		{eventToTable, `number: {from: Real, times: 100}`, `"Real":0.29`, `number=29`},
		{eventToTable, `number: {from: Whole, per: 1000}`, `"Whole":7`, `number=0.007`},
		{eventToTable, `number: {from: Real, unit: {from: g, to: kg}}`, `"Real":12345678901234567890.1`, `number=12345678901234567.8901`},
		{eventToTable, `number: {from: Real, unit: {from: lb, to: g}}`, `"Real":1`, `number=453.59237`},
		{eventToTable, `number: {from: Real, unit: {from: percent, to: fraction}}`, `"Real":12.5`, `number=0.125`},
		{eventToTable, `number: {from: Real, unit: {from: kg, to: lb}, round: {places: 4, mode: half-even}}`, `"Real":1`, `number=2.2046`},
		{eventToTable, `money: {from: Real, round: {places: 2, mode: half-even}}`, `"Real":2.665`, `money=2.66`},
		{eventToTable, `money: {from: Real, round: {places: 2, mode: half-up}}`, `"Real":2.665`, `money=2.67`},
		{eventToTable, `money: {from: Real, round: {places: 2, mode: down}}`, `"Real":-2.669`, `money=-2.66`},
		{eventToTable, `money: {from: Real, round: {places: 2, mode: up}}`, `"Real":2.661`, `money=2.67`},
		{eventToTable, `money: {from: Real, round: {places: 2, mode: up}}`, `"Real":-0.0001`, `money=-0.01`},
		{eventToTable, `money: {from: Real, times: 0.001, round: {places: 2, mode: up}}`, `"Real":0.1`, `money=0.01`},
		{eventToTable, `money: {from: Real, round: {places: 2, mode: half-up}}`, `"Real":2.6`, `money=2.6`},
		{eventToTable, `money: {from: Real, round: {places: 2, mode: half-up}}`, `"Real":-0.001`, `money=0.00`},
		{eventToTable, `money: {from: Real}`, `"Real":0.12345`, `out-of-range: money (from Real)`},
		{eventToTable, `whole: {from: Real, round: {places: 0, mode: half-even}}`, `"Real":2.5`, `whole=2`},
		{eventToTable, `whole: {from: Real, round: {places: 0, mode: half-even}}`, `"Real":100.6`, `out-of-range: whole (from Real)`},
		{eventToTable, `whole: {from: Real, round: {places: 0, mode: half-even}, outOfRange: clamp}`, `"Real":100.6`, `whole=100`},
		{eventToTable, `whole: {from: Whole, outOfRange: clamp}`, `"Whole":-5`, `whole=0`},
		{eventToTable, `whole: {from: Big, outOfRange: clamp}`, `"Big":9007199254740993`, `whole=100`},
		{eventToTable, `whole: {from: Big, outOfRange: reject}`, `"Big":9007199254740993`, `out-of-range: whole (from Big)`},
		{eventToTable, `whole: {from: Whole, outOfRange: reject}`, `"Whole":-5`, `out-of-range: whole (from Whole)`},
		{eventToTable, `number: {from: Text, times: 2}`, `"Text":"12.50"`, `number=25`},
		{eventToTable, `number: {from: Text, times: 2}`, `"Text":"12,50"`, `bad-value: number (from Text)`},
		{eventToTable, `number: {from: Real, times: 1000000000000000000000000000000000000000}`, `"Real":123456789012345678901234567890`, `out-of-range: number (from Real)`},
		{eventToTable, `text: {from: Real, times: "0.01", longer: reject}`, `"Real":1250`, `text="12.5"`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `number: {from: Real, per: 3}`, `contract.yaml:11:29: field number: what comes of the division can have no end, and nothing says how it is rounded (fix: add round: {places: …, mode: half-even})`},
		{eventToTable, `number: {from: Real, unit: {from: kg, to: lb}}`, `contract.yaml:11:31: field number: what comes of the division can have no end, and nothing says how it is rounded (fix: add round: {places: …, mode: half-even})`},
		{eventToTable, `number: {from: Real, unit: {from: kg, to: m}}`, `contract.yaml:11:45: field number: unit: kg is a mass and m a length (fix: use a unit of mass)`},
		{eventToTable, `number: {from: Real, unit: {from: kg, to: stone}}`, `contract.yaml:11:45: field number: unit: there is no unit "stone" (fix: use one of cm, d, fraction, ft, g, gal, h, in, kg, km, l, lb, m, m3, mg, mi, min, ml, mm, oz, percent, s, t, yd)`},
		{eventToTable, `number: {from: Real, times: 0}`, `contract.yaml:11:31: field number: times: "0" is no number, or 0 (fix: write a number such as 0.001)`},
		{eventToTable, `number: {from: Real, unit: {from: g, to: kg}, times: 2}`, `contract.yaml:11:31: field number: unit and times or per exclude each other (fix: keep unit, or times and per)`},
		{eventToTable, `money: {from: Real, round: {places: 5, mode: half-up}}`, `contract.yaml:11:39: field money: round: money keeps 4 decimal places (fix: write at most 4)`},
		{eventToTable, `money: {from: Real, round: {places: 2}}`, `contract.yaml:11:31: field money: round: mode is missing (fix: add mode: …, as in {places: 2, mode: half-even})`},
		{eventToTable, `text: {from: Text, outOfRange: clamp}`, `contract.yaml:11:34: field text is a text, and outOfRange is for numbers (fix: remove outOfRange)`},
		{eventToTable, `hold: {from: Kind, times: 2, map: {"No": false}, other: true, blank: null}`, `contract.yaml:11:29: field hold is a yes/no, and times is for numbers (fix: remove times)`},
		{eventToTable, `number: {from: Day, times: 2}`, "contract.yaml:11:18: field number: a date isn't computed with (fix: remove unit, times, per and round)"},
	})
}

func TestFactorsOfTheRecord(t *testing.T) {
	const perWhole = `number: {from: Real, per: {from: Whole}, round: {places: 4, mode: half-up}}`
	runOperations(t, []operationCase{
		{eventToTable, perWhole, `"Real":12.5,"Whole":100`, `number=0.125`},
		{eventToTable, perWhole, `"Real":10,"Whole":3`, `number=3.3333`},
		{eventToTable, perWhole, `"Real":-0.00005,"Whole":1`, `number=-0.0001`},
		{eventToTable, perWhole, `"Real":0,"Whole":7`, `number=0`},
		{eventToTable, perWhole, `"Real":12.5,"Whole":0`, `bad-value: number (from Real)`},
		{eventToTable, perWhole, `"Real":12.5,"Whole":null`, `blank-required: number (from Real)`},
		{eventToTable, perWhole, `"Real":12.5`, `blank-required: number (from Real)`},
		{eventToTable, perWhole, `"Real":12.5,"Whole":"3"`, `bad-type: number (from Real)`},
		{eventToTable, perWhole, `"Real":null,"Whole":0`, `number=null`}, // nothing is divided
		{eventToTable, `number: {from: Whole, times: {from: Real}}`, `"Whole":3,"Real":0.1`, `number=0.3`},
		{eventToTable, `number: {from: Whole, times: {from: Real}}`, `"Whole":3,"Real":0`, `number=0`},
		{eventToTable, `number: {from: Whole, times: {from: Real}}`, `"Whole":3,"Real":99999999999999999999999999999999999999999999999999999999999999999`, `out-of-range: number (from Whole)`},
		{eventToTable, `number: {from: Real, times: {from: Whole}, per: 8}`, `"Real":0.1,"Whole":10`, `number=0.125`},
		{eventToTable, `number: {from: Real, times: 100, per: {from: Whole}, round: {places: 1, mode: down}}`, `"Real":1,"Whole":3`, `number=33.3`},
		{rowToEntity, `Real: {from: amount, times: {from: amount}, blank: reject}`, `"amount":1.5`, `Real=2.25`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `number: {from: Real, per: {from: Whole}}`, `contract.yaml:11:30: field number: what comes of the division can have no end, and nothing says how it is rounded (fix: add round: {places: …, mode: half-even})`},
		{eventToTable, `number: {from: Real, times: {from: Whole}, per: 3}`, `contract.yaml:11:51: field number: what comes of the division can have no end, and nothing says how it is rounded (fix: add round: {places: …, mode: half-even})`},
		{eventToTable, `number: {from: Real, times: {from: Whol}}`, `contract.yaml:11:38: Posted has no field "Whol" (fix: did you mean Whole?)`},
		{eventToTable, `number: {from: Real, times: {from: Day}}`, `contract.yaml:11:38: field number: times: Day is a date, which can't be computed with (fix: name a number)`},
		{eventToTable, `number: {from: Real, times: {of: Whole}}`, "contract.yaml:11:32: field number: times: from is missing (fix: add from: …, as in {from: PriceQuantity})\ncontract.yaml:11:32: field number: times: unknown key \"of\" (fix: remove it; known keys are from)"},
		{eventToTable, `number: {from: Real, per: [Whole]}`, `contract.yaml:11:29: field number: per is a list (fix: write a number, a text or {from: PriceQuantity})`},
	})
}

// A column that a field computes with is read, shown and checked for blanks like the field's own.
func TestFactorsOfTheRecordAreTold(t *testing.T) {
	p := testPlan(t, eventToTable, `number: {from: Real, times: {from: Big}, per: {from: Whole}, round: {places: 2, mode: down}}`)
	if got, want := strings.Join(p.SourceColumns(), " "), "Big Id Real Whole"; got != want {
		t.Errorf("reads %s, want %s", got, want)
	}
	steps, err := p.Trace([]byte(`{"Id":"1","Real":2.5,"Big":4,"Whole":3}`))
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, r := range steps[1].Read {
		read = append(read, r.Path+"="+string(r.JSON))
	}
	if got, want := strings.Join(read, " "), "Real=2.5 Big=4 Whole=3"; got != want {
		t.Errorf("shows %s, want %s", got, want)
	}
	if words := steps[1].Words(); !strings.Contains(words, "times Big, divided by Whole") {
		t.Errorf("says %q", words)
	}
	if !steps[1].Source.Rejects {
		t.Error("nothing says that a blank divisor is rejected")
	}
}

// Clocks go forward on 2026-03-29 in Berlin (2:00 to 3:00) and back on 2026-10-25; in Beirut the former happens at midnight.
func TestZones(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `day: {from: At, zone: Europe/Berlin}`, `"At":"2026-07-01T21:59:59Z"`, `day="2026-07-01"`},
		{eventToTable, `day: {from: At, zone: Europe/Berlin}`, `"At":"2026-07-01T22:00:00Z"`, `day="2026-07-02"`},
		{eventToTable, `day: {from: At, zone: America/New_York}`, `"At":"2026-07-01T03:00:00Z"`, `day="2026-06-30"`},
		{eventToTable, `day: {from: At, zone: Europe/Berlin}`, `"At":"1900-01-01T00:00:00Z"`, `day=null`},
		{eventToTable, `at: {from: Day, zone: Europe/Berlin}`, `"Day":"2026-07-01T12:00:00Z"`, `at="2026-06-30T22:00:00Z"`},
		{eventToTable, `at: {from: Day, zone: Europe/Berlin}`, `"Day":"2026-01-01"`, `at="2025-12-31T23:00:00Z"`},
		{eventToTable, `at: {from: Day, zone: Asia/Beirut}`, `"Day":"2026-03-29"`, `bad-value: at (from Day)`},
		{eventToTable, `at: {from: At, zone: Europe/Berlin}`, `"At":"2026-07-01T10:00:00"`, `at="2026-07-01T08:00:00Z"`},
		{eventToTable, `at: {from: At, zone: Europe/Berlin}`, `"At":"2026-01-01T10:00"`, `at="2026-01-01T09:00:00Z"`},
		{eventToTable, `at: {from: At, zone: Europe/Berlin}`, `"At":"2026-07-01T10:00:00Z"`, `at="2026-07-01T10:00:00Z"`},
		{eventToTable, `at: {from: At, zone: Europe/Berlin}`, `"At":"2026-03-29T02:30:00"`, `bad-value: at (from At)`},
		{eventToTable, `at: {from: At, zone: Europe/Berlin}`, `"At":"2026-10-25T02:30:00"`, `bad-value: at (from At)`},
		{eventToTable, `at: {from: At, zone: Europe/Berlin}`, `"At":"2026-10-25T03:00:00"`, `at="2026-10-25T02:00:00Z"`},
		{eventToTable, `at: {from: At}`, `"At":"2026-07-01T10:00:00"`, `bad-value: at (from At)`},
		{eventToTable, `text: {from: At, zone: Europe/Berlin, longer: reject}`, `"At":"2026-07-01T10:00Z"`, `too-long: text (from At)`},
		{rowToEntity, `At: {from: born, zone: Europe/Berlin, blank: null}`, `"born":"2026-07-01"`, `At="2026-06-30T22:00:00Z"`},
		{rowToEntity, `Day: {from: changed, zone: Europe/Berlin, blank: null}`, `"changed":"2026-06-30T22:00:00Z"`, `Day="2026-07-01T00:00:00Z"`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `at: {from: Day}`, `contract.yaml:11:14: field at: Day (DateTime) can't become at (DateTime) without loss: a day has no time (fix: add the zone in which the day begins, such as zone: Europe/Berlin, or map a field that holds an instant)`},
		{eventToTable, `day: {from: At, zone: Europe/Berlim}`, "contract.yaml:11:15: field day: At (DateTime) can't become day (DateTime) without loss: the time of day would be lost (fix: add the zone whose day is meant, such as zone: Europe/Berlin, or map a field that holds a day)\ncontract.yaml:11:25: field day: there is no zone \"Europe/Berlim\" (fix: write a name of the IANA time zone database, such as Europe/Berlin)"},
		{eventToTable, `day: {from: Day, zone: Europe/Berlin}`, `contract.yaml:11:26: field day: a day stays the same day in every zone (fix: remove zone)`},
		{eventToTable, `text: {from: Text, zone: Europe/Berlin}`, `contract.yaml:11:28: field text: zone is for dates, and Text is a text (fix: remove zone)`},
	})
}
