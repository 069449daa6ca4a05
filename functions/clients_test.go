package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/rs/zerolog"

	"crosswalk/shared/claim"
	"crosswalk/shared/settings"
)

// Service Bus and storage are called as the managed identity, whose roles they are; Dataverse and F&O as the application.
func TestAzureAndD365AreTwoCredentials(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	answered := func() {}
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Query().Get("resource")+" as "+r.URL.Query().Get("client_id"))
		mu.Unlock()
		fmt.Fprintf(w, `{"access_token":"t","expires_on":"%d","resource":"r","token_type":"Bearer"}`, time.Now().Add(time.Hour).Unix())
		answered()
	}))
	defer platform.Close()
	const identity, application = "c0551a1c-0000-4000-8000-0000000000a1", "c0551a1c-0000-4000-8000-0000000000a2"
	for _, name := range settings.Names() {
		t.Setenv(name, "")
	}
	for name, value := range map[string]string{
		"IDENTITY_ENDPOINT": platform.URL, "IDENTITY_HEADER": "h",
		"SERVICEBUS__FULLYQUALIFIEDNAMESPACE": "crosswalk.invalid", "STORAGE_BLOB_ENDPOINT": "https://127.0.0.1:1", "STORAGE_TABLE_ENDPOINT": "https://127.0.0.1:1",
		"DATAVERSE_URL": "https://127.0.0.1:1", "FNO_URL": "https://127.0.0.1:1",
		"ENTRA_AUTHORITY_HOST": "https://127.0.0.1:1", "ENTRA_TENANT_ID": "contoso.com", "ENTRA_CLIENT_ID": application, "ENTRA_FEDERATED": "true", "ENTRA_MANAGED_IDENTITY_CLIENT_ID": identity,
	} {
		t.Setenv(name, value)
	}
	s, err := settings.Load()
	if err != nil {
		t.Fatal(err)
	}
	d, err := connect(s, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answered = cancel // no need to wait for the storage that isn't there
	if _, err := d.bodies.Get(ctx, claim.Container+"/"+strings.Repeat("0", 64)); err == nil {
		t.Error("nobody answered, and there is a body")
	}
	answered = func() {}
	if _, err := d.credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://127.0.0.1:1/.default"}}); err == nil {
		t.Error("nobody answered, and there is a token")
	}
	mu.Lock()
	defer mu.Unlock()
	// The application asks its authority first, which isn't there, so the platform hears of storage alone.
	if want := []string{"https://storage.azure.com as " + identity}; !slices.Equal(asked, want) {
		t.Errorf("the platform was asked for %v, want %v", asked, want)
	}
}
