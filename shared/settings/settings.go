// Package settings holds everything that differs between a laptop and Azure, and the numbers that operators tune: one typed
// struct, read from the environment once at start.
//
// Each field's tags are its documentation: docs/settings.md and local.settings.example.json are made from them, and a test
// fails when they are stale.
package settings

import "time"

// Settings are all settings. The tuning in it is that of functions without overrides; see For.
type Settings struct {
	ServiceBus ServiceBus
	Storage    Storage
	Dataverse  Dataverse
	FnO        FnO
	Entra      Entra
	Log        Log
	Tuning

	overrides map[string]Tuning // by prefix, such as INVOICE_TO_DATAVERSE
}

// Secret is a value that is never printed. Convert it to string to use it.
type Secret string

// String returns whether there is a value.
func (s Secret) String() string {
	if s == "" {
		return "(none)"
	}
	return "(hidden)"
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// ServiceBus says where the broker is. Exactly one field is set. The Functions host reads the same names, as the connection
// SERVICEBUS of the triggers.
type ServiceBus struct {
	ConnectionString        Secret `envconfig:"SERVICEBUS" example:"Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=placeholder;UseDevelopmentEmulator=true;" desc:"Connection string of the broker. On a laptop only: in Azure the identity is used. Either this or SERVICEBUS__FULLYQUALIFIEDNAMESPACE."`
	FullyQualifiedNamespace string `envconfig:"SERVICEBUS__FULLYQUALIFIEDNAMESPACE" desc:"Host name of the Service Bus namespace, such as contoso.servicebus.windows.net. Either this or SERVICEBUS."`
}

// Storage says where links (tables) and claim-checked bodies (blobs) are: the connection string alone, or both endpoints.
type Storage struct {
	ConnectionString Secret `envconfig:"STORAGE_CONNECTION_STRING" example:"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;" desc:"Connection string of the storage account. On a laptop only: the example is the published one of Azurite. Either this or both endpoints."`
	BlobEndpoint     string `envconfig:"STORAGE_BLOB_ENDPOINT" desc:"Blob endpoint, such as https://contoso.blob.core.windows.net."`
	TableEndpoint    string `envconfig:"STORAGE_TABLE_ENDPOINT" desc:"Table endpoint, such as https://contoso.table.core.windows.net."`
}

// Dataverse says where Dataverse is.
type Dataverse struct {
	URL string `envconfig:"DATAVERSE_URL" example:"https://127.0.0.1:7082" need:"always" desc:"Address of the Dataverse environment without a path, such as https://contoso.crm4.dynamics.com."`
}

// FnO says where Finance & Operations is.
type FnO struct {
	URL string `envconfig:"FNO_URL" example:"https://127.0.0.1:7083" need:"always" desc:"Address of the F&O environment without a path, such as https://contoso.operations.dynamics.com."`
}

// Entra says who Crosswalk is, twice. Towards Azure (Service Bus, storage, Key Vault) it is always the managed identity.
// Towards Dataverse and F&O it is one of four: the application of ClientID, proved by a token of the managed identity
// (Federated), by a certificate in Key Vault (CertificateVault) or by one in a file (CertificatePath); or, with none of
// them, the managed identity itself.
type Entra struct {
	AuthorityHost           string        `envconfig:"ENTRA_AUTHORITY_HOST" example:"https://127.0.0.1:7081" desc:"Address that gives tokens. Default: Entra of the public cloud. Only with an application: a managed identity knows its own."`
	TenantID                string        `envconfig:"ENTRA_TENANT_ID" example:"7f1e2a60-5c1d-4b8e-9a3f-2d6c0e4b9a11" need:"with ENTRA_CLIENT_ID" desc:"Tenant of the application, as a GUID or a domain."`
	ClientID                string        `envconfig:"ENTRA_CLIENT_ID" example:"c0551a1c-0000-4000-8000-000000000001" need:"with ENTRA_FEDERATED or a certificate" desc:"Client id of the application that Dataverse and F&O know; a GUID. Without it they are called as the managed identity."`
	ManagedIdentityClientID string        `envconfig:"ENTRA_MANAGED_IDENTITY_CLIENT_ID" desc:"Client id of the user-assigned managed identity that Service Bus, storage and Key Vault know; a GUID. Without it the system-assigned one is used."`
	Federated               bool          `envconfig:"ENTRA_FEDERATED" default:"false" desc:"true: the managed identity's token proves the application, which has it as federated credential; no secret exists. Either this, ENTRA_CERTIFICATE_VAULT or ENTRA_CERTIFICATE_PATH."`
	CertificateVault        string        `envconfig:"ENTRA_CERTIFICATE_VAULT" desc:"Key Vault that holds the application's certificate, such as https://contoso.vault.azure.net. It is read as the managed identity."`
	CertificateName         string        `envconfig:"ENTRA_CERTIFICATE_NAME" need:"with ENTRA_CERTIFICATE_VAULT" desc:"Name of the certificate in Key Vault."`
	CertificateRefresh      time.Duration `envconfig:"ENTRA_CERTIFICATE_REFRESH" default:"4h" desc:"How long a certificate from Key Vault is used before it is looked at again. It is also looked at when Entra refuses it."`
	CertificatePath         string        `envconfig:"ENTRA_CERTIFICATE_PATH" example:"crosswalk.pem" desc:"PEM file with the application's certificate and private key: on a laptop, or where there is no Key Vault."`
}

// Log says what is logged.
type Log struct {
	Level string `envconfig:"LOG_LEVEL" default:"info" desc:"Lowest level that is logged: debug, info, warn or error."`
}

// Tuning are the numbers that can be overridden per function.
type Tuning struct {
	Settle Settle
	Link   Link
	Client Client
}

// Settle holds the numbers of settlement. Its fields are those of settle.Policy, to which it converts.
type Settle struct {
	Attempts       int           `envconfig:"SETTLE_ATTEMPTS" default:"12" desc:"How many times a message is tried before it is dead-lettered."`
	FirstDelay     time.Duration `envconfig:"SETTLE_FIRST_DELAY" default:"5s" desc:"Delay before the second attempt; it doubles with each."`
	MaxDelay       time.Duration `envconfig:"SETTLE_MAX_DELAY" default:"1h" desc:"Longest delay between two attempts."`
	MaxAge         time.Duration `envconfig:"SETTLE_MAX_AGE" default:"72h" desc:"How long after it was first seen a message is still tried."`
	Misconfigured  time.Duration `envconfig:"SETTLE_MISCONFIGURED" default:"15m" desc:"Delay after a failure of permissions or addresses, which uses no attempt."`
	CopyPatience   time.Duration `envconfig:"SETTLE_COPY_PATIENCE" default:"4m" desc:"How long sending a retry copy is tried before the message is given back to the broker."`
	PanicsToReject int           `envconfig:"SETTLE_PANICS_TO_REJECT" default:"3" desc:"The delivery from which on a panic dead-letters the message."`
}

// Link holds the numbers of the link's claim.
type Link struct {
	Claim  time.Duration `envconfig:"LINK_CLAIM" default:"2m" desc:"How long a worker's claim on a record lasts."`
	Margin time.Duration `envconfig:"LINK_MARGIN" default:"1m" desc:"No write begins later than this before the claim's end. At least twice CLIENT_TIMEOUT: a call may send its last try at its deadline, and that takes effect later."`
}

// Client holds the numbers of calls to Dataverse and F&O.
type Client struct {
	Timeout time.Duration `envconfig:"CLIENT_TIMEOUT" default:"30s" desc:"How long one call to Dataverse or F&O may take, short retries inside the call included."`
}

// For returns the numbers of one function, such as invoice-to-dataverse.
func (s Settings) For(function string) Tuning {
	if tuning, ok := s.overrides[prefix(function)]; ok {
		return tuning
	}
	return s.Tuning
}
