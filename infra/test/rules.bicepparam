// Service Bus alone, with a topology full of what has to be escaped: Bicep's rules must be those of shared/topology.
using '../modules/servicebus.bicep'

param location = 'westeurope'
param tags = {}
param namespaceName = 'sbns-odd'
param topology = loadJsonContent('odd-topology.json')
param premium = false
param fnoSendKey = true
param dataverseSendKey = true
param dataverseQueue = 'in'
param publicAccess = true
param workspaceId = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/log'
