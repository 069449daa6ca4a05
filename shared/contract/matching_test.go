package contract

import "testing"

// What a contract writes is compared with the source's values by value: 1.50 is 1.5, and a day is one at any hour.
func TestWhereAndMapsCompareValues(t *testing.T) {
	const guid, other = "5AA2B8E8-3C58-4B25-A9A4-1B3B5A3D1C01", `"5aa2b8e8-3c58-4b25-a9a4-1b3b5a3d1c01"`
	count := func(where string) string { return "money: {from: Lines, rows: count, where: {" + where + "}}" }
	runOperations(t, []operationCase{
		{shippedToParcel, count(`Price: 1.5`), shippedLines, `money=1`},
		{shippedToParcel, count(`Price: "1.500"`), shippedLines, `money=1`},
		{shippedToParcel, count(`Price: 1.5`), `"Lines":[{"Price":15e-1},{"Price":1.51},{"Price":null}]`, `money=1`},
		{shippedToParcel, count(`Quantity: 7`), shippedLines, `money=1`},
		{shippedToParcel, count(`Free: false`), shippedLines, `money=1`},
		{shippedToParcel, count(`Day: 2026-07-01`), `"Lines":[{"Day":"2026-07-01T12:00:00Z"},{"Day":"2026-07-02T00:00:00Z"},{"Day":"1900-01-01T12:00:00Z"}]`, `money=1`},
		{shippedToParcel, count(`At: "2026-07-01T10:00Z"`), shippedLines, `money=1`},
		{shippedToParcel, count(`At: "2026-07-01T12:00:00+02:00"`), shippedLines, `money=1`},
		{shippedToParcel, count(`Guid: ` + guid), `"Lines":[{"Guid":` + other + `},{"Guid":"{` + guid + `}"}]`, `money=2`},
		{shippedToParcel, `note: {from: Lines, rows: project, where: {Price: 1.5}, fields: {i: {from: Item}}}`, shippedLines, `note="[{\"i\":\"A1\"}]"`},
		{eventToTable, `whole: {from: Real, map: {"1.5": 1, "2": 2}, other: 3}`, `"Real":1.50`, `whole=1`},
		{eventToTable, `whole: {from: Real, map: {"1.5": 1, "2": 2}, other: 3}`, `"Real":2.0`, `whole=2`},
		{eventToTable, `whole: {from: Guid, table: {5aa2b8e8-3c58-4b25-a9a4-1b3b5a3d1c01: 1}, other: 3}`, `"Guid":"{` + guid + `}"`, `whole=1`},
		{eventToTable, `whole: {from: Text, map: {"01": 1}, other: 3}`, `"Text":"01"`, `whole=1`},
		{eventToTable, `whole: {from: Whole, table: {"01": 1, "7": 2}, other: 3, blank: {from: Text, blank: null}}`, `"Whole":null,"Text":"01"`, `whole=1`},
	})
	runFindings(t, []fieldCase{
		{shippedToParcel, count(`Name: ""`), `contract.yaml:11:51: field money: Lines[].Name is never blank in a row that counts (fix: write the value that is wanted)`},
		{shippedToParcel, count(`Quantity: two`), `contract.yaml:11:55: field money: Lines[].Quantity is a whole number and never "two" (fix: write a number)`},
		{shippedToParcel, count(`Quantity: "07"`), `contract.yaml:11:55: field money: Lines[].Quantity is a whole number and never "07" (fix: write "7", without leading zeros)`},
		{shippedToParcel, count(`Quantity: 1.5`), `contract.yaml:11:55: field money: Lines[].Quantity is a whole number and never "1.5" (fix: write a whole number)`},
		{shippedToParcel, count(`Quantity: 1001`), `contract.yaml:11:55: field money: Lines[].Quantity is at most 1000 and never "1001" (fix: write a number that it can have)`},
		{shippedToParcel, count(`Quantity: -1`), `contract.yaml:11:55: field money: Lines[].Quantity is at least 0 and never "-1" (fix: write a number that it can have)`},
		{shippedToParcel, count(`Free: "Yes"`), `contract.yaml:11:51: field money: Lines[].Free is yes/no and never "Yes" (fix: write true or false)`},
		{shippedToParcel, count(`Day: "2026-07-01T00:00:00Z"`), `contract.yaml:11:50: field money: Lines[].Day is a day and never "2026-07-01T00:00:00Z" (fix: write a day, such as 2026-07-01)`},
		{shippedToParcel, count(`At: 2026-07-01`), `contract.yaml:11:49: field money: Lines[].At is an instant and never "2026-07-01" (fix: write an instant, such as 2026-07-01T10:00:00Z)`},
		{shippedToParcel, count(`Guid: A`), `contract.yaml:11:51: field money: Lines[].Guid is a unique identifier and never "A" (fix: write a unique identifier)`},
		{shippedToParcel, count(`Charges: A`), `contract.yaml:11:54: field money: Lines[].Charges is a list, which no text is compared with (fix: use another column)`},
		{eventToTable, `whole: {from: Real, table: {"1.50": 1}, other: 3}`, `contract.yaml:11:31: field whole: Real is a decimal number, which is looked up as "1.5" and never as "1.50" (fix: write "1.5")`},
		{eventToTable, `whole: {from: Whole, map: {A: 1}, other: 3}`, `contract.yaml:11:30: field whole: Whole is a whole number and never "A" (fix: write a number)`},
		{eventToTable, `whole: {from: Day, datePart: quarter, map: {"5": 1}, other: 3}`, `contract.yaml:11:47: field whole: Day is at most 4 and never "5" (fix: write a number that it can have)`},
	})
}
