// The opponent in Node: the same handler as local/bench/handler, with the mapping written in plain JavaScript.
import http from 'node:http';

const terms = {Net30: 1, Net45: 3, Net60: 4};
const carriers = {10: 2, 20: 4, 30: 1};
const priorities = {High: 2, Normal: 1};
const holds = {No: false, Yes: true};

const known = (table, key) => {
  const value = table[key];
  if (value === undefined) throw new Error('an option is unknown');
  return value;
};
const either = (a, b) => (a.trim() !== '' ? a : b);
const moment = (s) => new Date(Number(s.slice(6, -2))).toISOString().slice(0, 19) + 'Z';
const cents = (n) => Number(n.toFixed(2));

const detail = (l) => {
  if (!l.ItemNumber || l.OrderedSalesQuantity === undefined) throw new Error("a line's required field is blank");
  return {
    lineitemnumber: l.LineNumber,
    productdescription: l.ItemNumber,
    quantity: l.OrderedSalesQuantity,
    priceperunit: cents(l.SalesPrice),
    extendedamount: cents(l.LineAmount),
  };
};

function map(e) {
  const c = e.Customer;
  if (!e.SalesOrderNumber || !c.Account || !e.CurrencyCode || !e.BusinessEventLegalEntity) throw new Error('a required field is blank');
  return {
    ordernumber: e.SalesOrderNumber,
    name: `${e.SalesOrderNumber} · ${c.Name}`,
    cw_externalid: `FNO-${e.OrderRecId}`,
    cw_controlnumber: String(e.ControlNumber),
    cw_eventid: e.EventId,
    cw_legalentity: e.BusinessEventLegalEntity.toLowerCase(),
    'customerid_account@odata.bind': `/accounts(accountnumber='${c.Account}')`,
    'transactioncurrencyid@odata.bind': `/transactioncurrencies(isocurrencycode='${e.CurrencyCode}')`,
    submitdate: moment(e.OrderDate),
    requestdeliveryby: moment(e.RequestedShippingDate),
    datefulfilled: new Date(e.EventTimeIso8601).toISOString().slice(0, 19) + 'Z',
    totalamount: cents(e.OrderTotalAmount),
    totaltax: cents(e.TotalTaxAmount),
    freightamount: cents(e.FreightAmount),
    discountpercentage: e.OrderTotalDiscountPercentage,
    paymenttermscode: known(terms, e.PaymentTermsName),
    shippingmethodcode: known(carriers, e.DeliveryModeCode),
    prioritycode: e.OrderPriority.trim() === '' ? 1 : known(priorities, e.OrderPriority),
    cw_onhold: known(holds, e.OnHold),
    cw_reference: either(e.CustomerRequisitionNumber, e.CustomersOrderReference),
    billto_name: either(e.InvoiceAddressee, c.Name),
    billto_line1: c.Address.Street,
    billto_city: c.Address.City,
    billto_postalcode: c.Address.ZipCode,
    billto_country: c.Address.CountryRegionId,
    emailaddress: c.Email.toLowerCase(),
    billto_telephone: c.Phone,
    order_details: e.Lines.map(detail),
  };
}

let last = []; // what the last call made, for the comparison

const parse = (base64) => JSON.parse(Buffer.from(base64, 'base64').toString());

function single({Data, Metadata}) {
  // Like the Go handler, it takes over what a message needs: the lock token and the application properties.
  const message = {lockToken: JSON.parse(Metadata.LockToken), deliveryCount: Number(Metadata.DeliveryCount), properties: Metadata.ApplicationProperties};
  if (!message.lockToken) throw new Error('no lock token');
  last = [JSON.stringify(map(parse(Data.in)))];
}

function batch({Data, Metadata}) {
  const tokens = JSON.parse(Metadata.LockTokenArray);
  const counts = JSON.parse(Metadata.DeliveryCountArray);
  const properties = JSON.parse(Metadata.ApplicationPropertiesArray);
  last = JSON.parse(Data.in).map((body, i) => {
    const message = {lockToken: tokens[i], deliveryCount: counts[i], properties: properties[i]};
    if (!message.lockToken) throw new Error('no lock token');
    return JSON.stringify(map(parse(body)));
  });
}

http
  .createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      let status = 200;
      let answer = '{}';
      try {
        if (request.url === '/last') answer = `[${last.join(',')}]`;
        else if (request.url === '/batch') batch(JSON.parse(Buffer.concat(chunks).toString()));
        else single(JSON.parse(Buffer.concat(chunks).toString()));
      } catch (error) {
        status = 500;
        answer = JSON.stringify({error: error.message});
      }
      response.writeHead(status, {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer)});
      response.end(answer);
    });
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
