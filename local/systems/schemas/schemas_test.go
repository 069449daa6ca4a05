package schemas_test

import (
	"testing"

	"crosswalk/local/systems/schemas"
)

func TestTables(t *testing.T) {
	dataverse, err := schemas.Dataverse()
	if err != nil || len(dataverse) != 17 {
		t.Fatalf("%d tables, %v", len(dataverse), err)
	}
	account := dataverse[0]
	if account.Name != "account" || account.Set != "accounts" || account.Key[0] != "accountid" || len(account.Columns) != 114 {
		t.Errorf("%s %s %v, %d columns", account.Name, account.Set, account.Key, len(account.Columns))
	}
	if c := account.Columns[0]; c != (schemas.Column{Name: "accountcategorycode", Type: "Picklist", Level: "none", Detail: "1=Preferred Customer|2=Standard"}) {
		t.Errorf("%+v", c)
	}
	fno, err := schemas.FnO()
	if err != nil || len(fno) != 33 {
		t.Fatalf("%d entity sets, %v", len(fno), err)
	}
	enums, err := schemas.FnOEnums()
	if err != nil || len(enums) != 114 || len(enums["NoYes"]) != 2 {
		t.Errorf("%d enums, %v", len(enums), err)
	}
}
