// Who may do what. Each assignment says which code needs it; the test beside the snapshots has the same table.
param identityName string
param namespaceName string
param storageName string
param vaultName string
param componentName string

@description('Whether the handler reads its certificate from Key Vault.')
param readsCertificate bool

@description('Object id of who deploys: it makes the certificate. Empty for nobody.')
param deployerId string

@allowed(['User', 'Group', 'ServicePrincipal'])
param deployerType string

@description('Whether that one may also look at and send through Service Bus.')
param deployerVerifies bool

@description('Object id of the support staff\'s group. Empty for nobody.')
param supportGroupId string

@description('Object id of the service principal with which F&O reads its connection string. Empty for nobody.')
param fnoReaderId string

param fnoSecretName string

var roles = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  serviceBusReceiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  serviceBusSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  serviceBusOwner: '090c5cfd-751d-490a-894a-3ce6f1109419'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  certificatesOfficer: 'a4417e6f-fecd-4de8-b567-7b0420556985'
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = { name: identityName }

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = { name: namespaceName }

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = { name: storageName }

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = { name: vaultName }

resource fnoSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' existing = { parent: vault, name: fnoSecretName }

resource component 'Microsoft.Insights/components@2020-02-02' existing = { name: componentName }

// --- the function app ---

// The host's locks, keys and the timer's state; the package; large bodies. The host needs Owner, not Contributor.
resource blobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, identity.id, roles.blobDataOwner)
  scope: storage
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataOwner)
  }
}

// The links.
resource links 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, identity.id, roles.tableDataContributor)
  scope: storage
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableDataContributor)
  }
}

// The triggers; dead-lettering by lock token; watch-forwarding peeks at subscriptions.
resource receive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace.id, identity.id, roles.serviceBusReceiver)
  scope: namespace
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.serviceBusReceiver)
  }
}

// Events to the topic, retry copies to the work queues, unreadable webhook bodies to the ingress queue.
resource send 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace.id, identity.id, roles.serviceBusSender)
  scope: namespace
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.serviceBusSender)
  }
}

// Telemetry, because Application Insights takes no key.
resource publish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, identity.id, roles.metricsPublisher)
  scope: component
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.metricsPublisher)
  }
}

// A certificate's private key is read as a secret. Nothing is read with the federated credential, so nothing is granted.
resource readCertificate 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (readsCertificate) {
  name: guid(vault.id, identity.id, roles.secretsUser)
  scope: vault
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.secretsUser)
  }
}

// --- people and F&O ---

// crosswalk certificate ensure.
resource makeCertificate 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (readsCertificate && !empty(deployerId)) {
  name: guid(vault.id, deployerId, roles.certificatesOfficer)
  scope: vault
  properties: {
    principalId: deployerId
    principalType: deployerType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.certificatesOfficer)
  }
}

// crosswalk verify reads the rules, which takes Manage, and sends an event all the way.
resource verify 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (deployerVerifies && !empty(deployerId)) {
  name: guid(namespace.id, deployerId, roles.serviceBusOwner)
  scope: namespace
  properties: {
    principalId: deployerId
    principalType: deployerType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.serviceBusOwner)
  }
}

// Support staff peek at, mend and resubmit dead letters in Service Bus Explorer: receive and send, on the namespace.
resource supportReceive 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(supportGroupId)) {
  name: guid(namespace.id, supportGroupId, roles.serviceBusReceiver)
  scope: namespace
  properties: {
    principalId: supportGroupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.serviceBusReceiver)
  }
}

resource supportSend 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(supportGroupId)) {
  name: guid(namespace.id, supportGroupId, roles.serviceBusSender)
  scope: namespace
  properties: {
    principalId: supportGroupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.serviceBusSender)
  }
}

// They open the workbook, its logs and metrics; Reader shows no secret and no key.
resource supportRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(supportGroupId)) {
  name: guid(resourceGroup().id, supportGroupId, roles.reader)
  properties: {
    principalId: supportGroupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.reader)
  }
}

// F&O reads its connection string, that one secret alone. UNCONFIRMED: whether F&O also lists the vault's secrets, which
// would need the role on the vault.
resource fnoRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(fnoReaderId)) {
  name: guid(fnoSecret.id, fnoReaderId, roles.secretsUser)
  scope: fnoSecret
  properties: {
    principalId: fnoReaderId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.secretsUser)
  }
}
