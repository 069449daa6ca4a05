package schema

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func table(columns ...Column) *Entity {
	return &Entity{System: Dataverse, Name: "t", Set: "ts", PrimaryKey: []string{"tid"}, AlternateKeys: [][]string{{"a", "b"}}, Columns: columns}
}

func TestCompareSaysWhatChanged(t *testing.T) {
	option := func(values ...string) []Option {
		var out []Option
		for _, v := range values {
			out = append(out, Option{Value: v, Label: "Label " + v})
		}
		return out
	}
	for name, tt := range map[string]struct {
		before, after Column
		want          []string
	}{
		"shown as":  {Column{DisplayName: "Hold"}, Column{DisplayName: "Credit Hold"}, []string{`column x is shown as "Credit Hold", before "Hold"`}},
		"named":     {Column{}, Column{DisplayName: "Credit Hold"}, []string{`column x is shown as "Credit Hold"`}},
		"nameless":  {Column{DisplayName: "Hold"}, Column{}, []string{`column x is shown by no display name any more, before "Hold"`}},
		"same":      {Column{Type: "String", MaxLength: 5}, Column{Type: "String", MaxLength: 5}, nil},
		"type":      {Column{Type: "String"}, Column{Type: "Memo"}, []string{"column x has another type: Memo, before String"}},
		"shorter":   {Column{MaxLength: 160}, Column{MaxLength: 100}, []string{"column x is shorter: at most 100 characters, before 160"}},
		"longer":    {Column{MaxLength: 100}, Column{MaxLength: 160}, []string{"column x is longer: at most 160 characters, before 100"}},
		"unknown":   {Column{MaxLength: 100}, Column{}, []string{"column x has no known length, before at most 100 characters"}},
		"known":     {Column{}, Column{MaxLength: 7}, []string{"column x has a known length: at most 7 characters"}},
		"bounds":    {Column{Min: "0", Max: "9"}, Column{Max: "8"}, []string{"column x has another lower bound: it is none, before 0", "column x has another upper bound: it is 8, before 9"}},
		"precision": {Column{Precision: 4}, Column{Precision: 1}, []string{"column x keeps 1 decimal place, before 4 decimal places"}},
		"required":  {Column{Required: Recommended}, Column{Required: ApplicationRequired}, []string{"column x is newly required (application)"}},
		"free":      {Column{Required: SystemRequired}, Column{}, []string{"column x isn't required any more"}},
		"level":     {Column{Required: SystemRequired}, Column{Required: ApplicationRequired}, []string{"column x has another required level: application, before system"}},
		"read only": {Column{}, Column{ReadOnly: true}, []string{"column x can't be written any more"}},
		"day":       {Column{}, Column{DateOnly: true}, []string{"column x holds a day without a time now"}},
		"null":      {Column{NotNull: true}, Column{}, []string{"column x can be null now"}},
		"optional":  {Column{}, Column{Optional: true}, []string{"column x may be missing now"}},
		"default":   {Column{Default: "0"}, Column{}, []string{"column x has another default: it is none, before 0"}},
		"options":   {Column{Options: option("1", "2")}, Column{Options: option("2", "3")}, []string{"column x has lost option 1 (Label 1)", "column x has a new option 3 (Label 3)"}},
		"order":     {Column{Options: option("1", "2")}, Column{Options: option("2", "1")}, nil},
		"label":     {Column{Options: []Option{{"1", "a"}}}, Column{Options: []Option{{"1", "b"}}}, []string{`column x calls option 1 "b", before "a"`}},
		"targets":   {Column{Targets: []string{"account", "lead"}}, Column{Targets: []string{"contact", "account"}}, []string{"column x can't refer to lead any more", "column x can refer to contact now"}},
	} {
		tt.before.Name, tt.after.Name = "x", "x"
		if diff := cmp.Diff(tt.want, lines(Compare(table(tt.before), table(tt.after)))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestCompareSaysWhichKeysAndColumnsChanged(t *testing.T) {
	old := table(Column{Name: "gone"}, Column{Name: "kept"})
	now := table(Column{Name: "kept"}, Column{Name: "new", Type: "String", MaxLength: 4, Required: SystemRequired})
	now.Set, now.PrimaryKey, now.AlternateKeys = "tss", []string{"other"}, [][]string{{"c"}}
	want := []string{"the entity set's name is tss, before ts", "the primary key is (other), before (tid)", "alternate key (a, b) is gone", "alternate key (c) is new",
		"column gone is gone", "column new is new: String, at most 4 characters, required"}
	if diff := cmp.Diff(want, lines(Compare(old, now))); diff != "" {
		t.Error(diff)
	}
	now = table()
	now.AlternateKeys = [][]string{{"b", "a"}}
	if got := Compare(table(), now); len(got) != 0 {
		t.Errorf("the order of a key's columns counts: %v", got)
	}
}

func lines(changes []Change) []string {
	var out []string
	for c := range slices.Values(changes) {
		out = append(out, c.String())
	}
	return out
}
