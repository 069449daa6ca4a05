// Package event turns what F&O and Dataverse send into CloudEvents 1.0, puts them on the topic, and reads them back.
//
//	Parse           one body, whatever its grammar  → CloudEvents (by shape, strictly)
//	ToProperties    CloudEvent → application properties of the AMQP binding, binary mode
//	FromProperties  the way back
//	Publisher       CloudEvents → topic, in batches, with claim check and the stamp for unrouted ones
//	Parker          a body that nobody can read → the queue it should have come by
//
// What the attributes hold:
//
//	                F&O business event              Dataverse execution context           F&O data event
//	type            fno.SalesInvoicePosted          dataverse.account.updated             fno.custcustomerv3entity.updated
//	source          /fno/<legal entity>             /dataverse/<organisation>             /fno/<legal entity>
//	subject         ContextRecordSubject, if any    account/<row id>                      CustomersV3/usmf/US-001
//	id              EventId                         hash (see [Parse])                    hash
//	time            EventTimeIso8601 or EventTime   OperationCreatedOn                    OperationCreatedOn
//	sequence        time and ControlNumber          milliseconds since 1970               milliseconds since 1970
//	data            the body, byte for byte
//
// The subject of a data event is the entity set and the key's values, because F&O's OData knows its rows by nothing else. Where
// the entity has no schema, or Target and PreImage don't hold the whole key, it is mserp_custcustomerv3entity/<row id>.
//
// The strings of sequence sort as the versions of one record do; events with the same sequence sort by id.
package event
