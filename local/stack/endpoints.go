package stack

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// Endpoints is the content of the endpoints file: every address and credential of a running stack, so that any other SDK
// or tool can attach. The format is stable: fields are added, never renamed. docs/endpoints.md describes it.
type Endpoints struct {
	ServiceBus ServiceBusEndpoint `json:"serviceBus"`
	Storage    StorageEndpoint    `json:"storage"`
	Functions  FunctionsEndpoint  `json:"functions"`
	Entra      EntraEndpoint      `json:"entra"`
	Dataverse  DataverseEndpoint  `json:"dataverse"`
	FnO        FnOEndpoint        `json:"fno"`
	Page       string             `json:"page"`
}

// ServiceBusEndpoint works for messaging in the Go and JavaScript SDKs as it is.
type ServiceBusEndpoint struct {
	ConnectionString string `json:"connectionString"`
}

// StorageEndpoint is Azurite's account.
type StorageEndpoint struct {
	ConnectionString string `json:"connectionString"`
	BlobEndpoint     string `json:"blobEndpoint"`
	TableEndpoint    string `json:"tableEndpoint"`
}

// FunctionsEndpoint is the local Functions host: its address without a path, the key of each HTTP function, and the master
// key, which opens all of them and the host's own API under /admin.
type FunctionsEndpoint struct {
	BaseURL   string            `json:"baseUrl"`
	Keys      map[string]string `json:"keys"`
	MasterKey string            `json:"masterKey"`
}

// EntraEndpoint is an identity that exists only here, for tools and people. Crosswalk itself uses its certificate.
type EntraEndpoint struct {
	TokenURL     string `json:"tokenUrl"`
	TenantID     string `json:"tenantId"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
}

// DataverseEndpoint is the simulated Dataverse; Scope is what to ask a token for.
type DataverseEndpoint struct {
	BaseURL string `json:"baseUrl"`
	APIURL  string `json:"apiUrl"`
	Scope   string `json:"scope"`
}

// FnOEndpoint is the simulated Finance & Operations; Scope is what to ask a token for.
type FnOEndpoint struct {
	BaseURL string `json:"baseUrl"`
	DataURL string `json:"dataUrl"`
	Scope   string `json:"scope"`
}

// Write writes the file in one step, so that whoever waits for it never reads half of it. It is readable by its owner
// only: the credentials open nothing but this machine, and still are credentials.
func (e Endpoints) Write(path string) error {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".endpoints-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(append(data, '\n')); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
