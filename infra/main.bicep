// Crosswalk's home in Azure: one resource group with everything. azd sets the parameters through main.bicepparam.
targetScope = 'subscription'

metadata name = 'Crosswalk'

// --- what it is ---

@description('Name of the environment, such as contoso-dev. Resource names are made from it.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region, such as westeurope. It must offer Flex Consumption.')
param location string

@description('Chooses the defaults below. prod: purge protection, zone-redundant storage, longer retention, one instance always ready.')
@allowed(['dev', 'prod'])
param environmentType string = 'dev'

// --- the two systems, and who Crosswalk is towards them ---

@description('Address of the Dataverse environment, such as https://contoso.crm4.dynamics.com.')
param dataverseUrl string

@description('Address of the F&O environment, such as https://contoso.operations.dynamics.com.')
param fnoUrl string

@description('Client id of the Entra application that Dataverse and F&O know. Empty: they are called as the managed identity itself.')
param entraClientId string = ''

@description('Tenant of that application.')
param entraTenantId string = tenant().tenantId

@description('How the application proves itself. federated: by the managed identity\'s token, so that there is no secret to keep or rotate. certificate: by a certificate in Key Vault, which has to be renewed and registered.')
@allowed(['federated', 'certificate'])
param credential string = 'federated'

@description('Name of the certificate in Key Vault.')
@minLength(1)
@maxLength(127)
param certificateName string = 'crosswalk'

// --- how the two systems send ---

@description('A shared access key with the Send right for F&O\'s business events, kept in Key Vault: F&O takes nothing else. Off, and dataverseSendKey off: the namespace takes Entra tokens only.')
param fnoSendKey bool = true

@description('Object id of the service principal with which F&O reads its connection string from Key Vault.')
param fnoReaderId string = ''

@description('A shared access key with the Send right on Dataverse\'s queue, for a Dataverse service endpoint. Off: Dataverse calls the webhook, which needs none.')
param dataverseSendKey bool = false

// --- messaging and network ---

@description('Premium messaging. Standard costs a base fee of some 10 USD a month with 13 million operations in it; Premium from some 670 USD a month for a messaging unit, whatever is sent. It has private endpoints, a firewall, messages over 256 KB and a capacity of its own. A namespace can\'t change from one to the other: choose before the first deployment.')
param premiumMessaging bool = false

@description('Messaging units with Premium; each costs the same again.')
@allowed([1, 2, 4, 8, 16])
param messagingUnits int = 1

@description('A virtual network with private endpoints for storage, Service Bus and Key Vault. It brings Premium messaging with it; each of the four endpoints costs some 7 USD a month and its traffic. Service Bus and Key Vault keep a public endpoint while fnoSendKey or dataverseSendKey is on, because those systems send from outside; see allowedIpRanges.')
param privateNetwork bool = false

@description('Address range of that network, at least a /24.')
param networkAddressPrefix string = '10.80.0.0/24'

@description('IPv4 ranges that alone may reach the public endpoints of Key Vault and, with Premium, of Service Bus: those of F&O, Dataverse and who deploys. Only with privateNetwork: without it the function app itself comes from outside these ranges. Empty: all.')
param allowedIpRanges string[] = []

// --- the function app ---

@description('Memory of an instance. 512 is enough for the handler and the host; cost goes by it.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

@description('Most instances. It bounds cost and the load on D365; the service accepts no less than 40.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances that are always ready, by http or function:<name>. One for http in prod, so that a webhook is answered in time; each costs some 10 USD a month at 512 MB. Empty: none, and the first message after a pause may wait up to two minutes.')
param alwaysReady { name: string, instanceCount: int }[] = environmentType == 'prod'
  ? [{ name: 'http', instanceCount: 1 }]
  : []

@description('Instances, storage and Premium messaging spread over the region\'s zones, where it has some. Storage costs a quarter more, always-ready instances are at least two.')
param zoneRedundant bool = environmentType == 'prod'

@description('Lowest level that the handler logs.')
@allowed(['debug', 'info', 'warn', 'error'])
param logLevel string = 'info'

@description('Further settings of the handler by name, such as { SETTLE_ATTEMPTS: \'20\' }; docs/settings.md lists them.')
param tuning object = {}

// --- keeping ---

@description('Key Vault can\'t be emptied before its retention ends. Once on it can\'t be switched off, and azd down can\'t purge.')
param purgeProtection bool = environmentType == 'prod'

@description('recover brings a deleted vault of the same name back.')
@allowed(['default', 'recover'])
param vaultCreateMode string = 'default'

@description('Days that large bodies are kept after their last use: longer than any message or dead letter that refers to them shall live.')
@minValue(14)
param claimCheckDays int = environmentType == 'prod' ? 180 : 30

@description('GB a day of logs, after which nothing more is taken in until the next day; -1 for no limit. Logs are what surprises on the bill: some 2.50 USD a GB.')
param dailyCapGb int = environmentType == 'prod' ? 5 : 1

@description('Days that logs are kept. 31 cost nothing, each further month some 0.10 USD a GB.')
@minValue(30)
@maxValue(730)
param retentionDays int = environmentType == 'prod' ? 90 : 30

// --- people ---

@description('Object id of who deploys; azd gives it. It may make the certificate.')
param deployerId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
param deployerType string = 'User'

@description('Whether who deploys may run crosswalk verify, which manages, sends and receives on Service Bus. Whoever deploys gives roles anyway; off where another login verifies.')
param deployerVerifies bool = true

@description('Object id of the support staff\'s Entra group: it may read everything and work on dead letters.')
param supportGroupId string = ''

@description('Addresses by team, { \'finance-integrations\': { emails: [] } }; teams.json is where they stand. The teams are those of the contracts, and platform.')
param teams object = loadJsonContent('teams.json')

@description('Who is told where a team has no address of its own.')
param alertEmail string = ''

@description('Where docs/catalog can be read: the workbook links to its run books.')
param catalogUrl string = ''

// --- names ---

var topology = loadJsonContent('../shared/topology/topology.json')
var flows = loadJsonContent('flows.json') // made from the contracts
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName, app: 'crosswalk' }
var names = {
  resourceGroup: 'rg-${environmentName}'
  identity: 'id-${token}'
  workspace: 'log-${token}'
  component: 'appi-${token}'
  storage: 'st${token}'
  namespace: 'sbns-${token}'
  vault: 'kv-${token}'
  plan: 'plan-${token}'
  site: 'func-${token}'
  network: 'vnet-${token}'
  packageContainer: 'app-package'
  claimContainer: 'claim-check' // shared/claim
  linkTable: 'links' // shared/link
  fnoSecret: 'fno-servicebus'
  dataverseSecret: 'dataverse-servicebus'
}
var endpoints = {
  serviceBus: '${names.namespace}.servicebus.windows.net'
  blob: 'https://${names.storage}.blob.${environment().suffixes.storage}'
  table: 'https://${names.storage}.table.${environment().suffixes.storage}'
  vault: 'https://${names.vault}${environment().suffixes.keyvaultDns}'
}
var workspaceId = resourceId(
  subscription().subscriptionId,
  names.resourceGroup,
  'Microsoft.OperationalInsights/workspaces',
  names.workspace
)
var premium = premiumMessaging || privateNetwork
var sendersOutside = fnoSendKey || dataverseSendKey
var dataverseQueue = filter(topology.ingress, i => i.function == 'receive-dataverse-event')[0].queue
var readsCertificate = credential == 'certificate' && !empty(entraClientId)

var entraSettings = empty(entraClientId)
  ? {}
  : union(
      { ENTRA_TENANT_ID: entraTenantId, ENTRA_CLIENT_ID: entraClientId },
      credential == 'federated'
        ? { ENTRA_FEDERATED: 'true' }
        : { ENTRA_CERTIFICATE_VAULT: endpoints.vault, ENTRA_CERTIFICATE_NAME: certificateName }
    )

var appSettings = union(tuning, entraSettings, {
  AzureWebJobsStorage__accountName: names.storage
  AzureWebJobsStorage__credential: 'managedidentity'
  SERVICEBUS__FULLYQUALIFIEDNAMESPACE: endpoints.serviceBus
  SERVICEBUS__credential: 'managedidentity'
  STORAGE_BLOB_ENDPOINT: endpoints.blob
  STORAGE_TABLE_ENDPOINT: endpoints.table
  DATAVERSE_URL: dataverseUrl
  FNO_URL: fnoUrl
  LOG_LEVEL: logLevel
  // A line of the handler must never be left out as a sample: alerts and support staff look for each.
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__excludedTypes: 'Trace;Exception'
  // The host's two lines for each invocation (Executing, Executed) say nothing that its request telemetry doesn't.
  AzureFunctionsJobHost__logging__logLevel__Function: 'Warning'
})

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: names.resourceGroup
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { location: location, tags: tags, name: names.identity }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceName: names.workspace
    componentName: names.component
    dailyCapGb: dailyCapGb
    retentionDays: retentionDays
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    accountName: names.storage
    packageContainer: names.packageContainer
    claimContainer: names.claimContainer
    linkTable: names.linkTable
    skuName: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
    publicAccess: !privateNetwork
    claimCheckDays: claimCheckDays
    softDeleteDays: environmentType == 'prod' ? 30 : 7
  }
}

module serviceBus 'modules/servicebus.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    namespaceName: names.namespace
    topology: topology
    premium: premium
    messagingUnits: messagingUnits
    zoneRedundant: zoneRedundant
    fnoSendKey: fnoSendKey
    dataverseSendKey: dataverseSendKey
    dataverseQueue: dataverseQueue
    publicAccess: !privateNetwork || sendersOutside
    allowedIpRanges: allowedIpRanges
    workspaceId: workspaceId
  }
  dependsOn: [monitoring]
}

module keyVault 'modules/keyvault.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    vaultName: names.vault
    namespaceName: names.namespace
    dataverseQueue: dataverseQueue
    purgeProtection: purgeProtection
    softDeleteDays: environmentType == 'prod' ? 90 : 7
    createMode: vaultCreateMode
    publicAccess: !privateNetwork || sendersOutside
    allowedIpRanges: allowedIpRanges
    fnoSendKey: fnoSendKey
    fnoSecretName: names.fnoSecret
    dataverseSendKey: dataverseSendKey
    dataverseSecretName: names.dataverseSecret
    workspaceId: workspaceId
  }
  dependsOn: [monitoring, serviceBus]
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  params: {
    location: location
    tags: tags
    networkName: names.network
    addressPrefix: networkAddressPrefix
    storageName: names.storage
    namespaceName: names.namespace
    vaultName: names.vault
  }
  dependsOn: [storage, serviceBus, keyVault]
}

module roles 'modules/roles.bicep' = {
  scope: group
  params: {
    identityName: names.identity
    namespaceName: names.namespace
    storageName: names.storage
    vaultName: names.vault
    componentName: names.component
    readsCertificate: readsCertificate
    deployerId: deployerId
    deployerType: deployerType
    deployerVerifies: deployerVerifies
    supportGroupId: supportGroupId
    fnoReaderId: fnoSendKey ? fnoReaderId : ''
    fnoSecretName: names.fnoSecret
  }
  dependsOn: [identity, monitoring, storage, serviceBus, keyVault]
}

// After the roles: a site that starts before it may read its storage takes minutes to recover.
module functionApp 'modules/functionapp.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    planName: names.plan
    siteName: names.site
    identityName: names.identity
    packageUrl: '${endpoints.blob}/${names.packageContainer}'
    componentName: names.component
    workspaceId: workspaceId
    appSettings: appSettings
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    zoneRedundant: zoneRedundant
    subnetId: privateNetwork
      ? resourceId(
          subscription().subscriptionId,
          names.resourceGroup,
          'Microsoft.Network/virtualNetworks/subnets',
          names.network,
          'functions'
        )
      : ''
  }
  dependsOn: [roles, network]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    namespaceName: names.namespace
    vaultName: names.vault
    workspaceId: workspaceId
    topology: topology
    flows: flows
    teams: teams
    alertEmail: alertEmail
    watchCertificate: readsCertificate
  }
  dependsOn: [monitoring, serviceBus, keyVault]
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    namespaceName: names.namespace
    workspaceId: workspaceId
    topology: topology
    flows: flows
    catalogUrl: catalogUrl
  }
  dependsOn: [monitoring]
}

// azd keeps these as environment values, and the hooks read them.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = names.resourceGroup
output CROSSWALK_FUNCTION_APP string = names.site
output CROSSWALK_FUNCTION_HOST string = functionApp.outputs.defaultHostName
output CROSSWALK_SERVICEBUS string = endpoints.serviceBus
output CROSSWALK_KEY_VAULT string = names.vault
output CROSSWALK_KEY_VAULT_URI string = endpoints.vault
output CROSSWALK_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output CROSSWALK_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output CROSSWALK_CREDENTIAL string = credential
output CROSSWALK_CERTIFICATE_NAME string = certificateName
output CROSSWALK_STORAGE string = names.storage
output CROSSWALK_FNO_SECRET_NAME string = fnoSendKey ? names.fnoSecret : ''
output CROSSWALK_DATAVERSE_SECRET_NAME string = dataverseSendKey ? names.dataverseSecret : ''
output CROSSWALK_WORKBOOK_ID string = workbook.outputs.id
output CROSSWALK_APP_INSIGHTS string = names.component
