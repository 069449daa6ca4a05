// What shared/topology/topology.json looks like, and the Service Bus SQL of its rules. The Go package shared/topology holds
// the same rules; the tests beside the snapshots compare the two, one for one.

@export()
type queueSettings = {
  @description('ISO 8601; at most PT5M.')
  lockDuration: string

  @minValue(1)
  maxDeliveryCount: int
}

@export()
type eventRule = {
  @description('Event type; a * at its end stands for any rest.')
  type: string

  @description('Event source; as type. Without it every source will do.')
  source: string?
}

@export()
type topologyFile = {
  topic: {
    name: string
    duplicateDetection: string
    unrouted: string
  }
  queues: {
    ingress: queueSettings
    work: queueSettings
  }
  ingress: { queue: string, function: string }[]
  functions: { name: string, events: eventRule[] }[]
}

func quote(s string) string => '\'${replace(s, '\'', '\'\'')}\''

func escape(s string) string => replace(replace(replace(s, '\\', '\\\\'), '%', '\\%'), '_', '\\_')

func like(property string, prefix string) string =>
  '[${property}] LIKE ${quote('${escape(prefix)}%')}${escape(prefix) == prefix ? '' : ' ESCAPE \'\\\''}'

func condition(property string, pattern string) string =>
  endsWith(pattern, '*') ? like(property, take(pattern, length(pattern) - 1)) : '[${property}] = ${quote(pattern)}'

@export()
@description('The SQL filter of a rule, over the CloudEvents properties of the AMQP binding.')
func ruleSql(rule eventRule) string =>
  '${condition('cloudEvents:type', rule.type)}${empty(rule.?source) ? '' : ' AND ${condition('cloudEvents:source', rule.source!)}'}'

@export()
@description('The SQL filter of the subscription for what no rule matches: the publisher stamps such events.')
func unroutedSql() string => '[cwunrouted] = TRUE'

@export()
@description('The name of a subscription\'s rule. The first is $Default, so that the rule that lets everything pass, which a new subscription begins with, can\'t survive.')
func ruleName(position int) string => position == 0 ? '$Default' : 'event-${position + 1}'
