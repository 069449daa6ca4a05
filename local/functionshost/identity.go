package functionshost

import (
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// credentialOf makes the credential of an identity-based connection from the settings below its name: credential
// ("managedidentity") with clientId or managedIdentityResourceId, or tenantId, clientId and clientSecret; without any of
// them the developer's own sign-in (Azure SDK's default chain).
func (s settings) credentialOf(connection string) (azcore.TokenCredential, error) {
	get := func(name string) string {
		for _, prefix := range []string{"AzureWebJobs" + connection, connection} {
			if v, ok := s.lookup(prefix + ":" + name); ok && v != "" {
				return v
			}
		}
		return ""
	}
	client, tenant, secret := get("clientId"), get("tenantId"), get("clientSecret")
	switch kind := get("credential"); {
	case isOneOf(kind, "managedidentity"):
		o := &azidentity.ManagedIdentityCredentialOptions{}
		if resource := get("managedIdentityResourceId"); resource != "" {
			o.ID = azidentity.ResourceID(resource)
		} else if client != "" {
			o.ID = azidentity.ClientID(client)
		}
		return azidentity.NewManagedIdentityCredential(o)
	case kind != "":
		return nil, fmt.Errorf("connection '%s': credential %q is not supported", connection, kind)
	case client != "" && tenant != "" && secret != "":
		return azidentity.NewClientSecretCredential(tenant, client, secret, nil)
	}
	return azidentity.NewDefaultAzureCredential(nil)
}
