// What azd passes: the values of its environment (azd env set NAME value). README.md in this folder lists them.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'crosswalk')
param location = readEnvironmentVariable('AZURE_LOCATION', '')
param environmentType = readEnvironmentVariable('CROSSWALK_ENVIRONMENT', 'dev')
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL', '')
param fnoUrl = readEnvironmentVariable('FNO_URL', '')
param entraClientId = readEnvironmentVariable('ENTRA_CLIENT_ID', '')
param credential = readEnvironmentVariable('CROSSWALK_CREDENTIAL', 'federated')
param fnoSendKey = bool(readEnvironmentVariable('CROSSWALK_FNO_SEND_KEY', 'true'))
param fnoReaderId = readEnvironmentVariable('CROSSWALK_FNO_READER_ID', '')
param dataverseSendKey = bool(readEnvironmentVariable('CROSSWALK_DATAVERSE_SEND_KEY', 'false'))
param premiumMessaging = bool(readEnvironmentVariable('CROSSWALK_PREMIUM', 'false'))
param privateNetwork = bool(readEnvironmentVariable('CROSSWALK_PRIVATE_NETWORK', 'false'))
param deployerId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param supportGroupId = readEnvironmentVariable('CROSSWALK_SUPPORT_GROUP_ID', '')
