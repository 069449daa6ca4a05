package servicebus_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

// keyed is a broker with keys of one right each, and a queue "q".
type keyed struct {
	*servicebus.Server
	t   *testing.T
	ctx context.Context
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	s, err := servicebus.Start(servicebus.Options{Logf: t.Logf, Keys: []access.Key{
		{Name: "Send1", Key: "a2V5MQ==", Rights: access.Send},
		{Name: "Send2", Key: "a2V5Mg==", Rights: access.Send},
		{Name: "Listen", Key: "a2V5Mw==", Rights: access.Listen},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Broker().CreateQueue("q", broker.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	return &keyed{s, t, ctx}
}

func (k *keyed) client(connectionString string) *azservicebus.Client {
	k.t.Helper()
	c, err := azservicebus.NewClientFromConnectionString(connectionString, &azservicebus.ClientOptions{
		TLSConfig:    &tls.Config{RootCAs: k.roots(), MinVersion: tls.VersionTLS12},
		RetryOptions: azservicebus.RetryOptions{MaxRetries: -1},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func (k *keyed) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(k.CertificatePEM()) {
		k.t.Fatal("the certificate is no PEM")
	}
	return roots
}

func (k *keyed) sender(connectionString string) *azservicebus.Sender {
	k.t.Helper()
	s, err := k.client(connectionString).NewSender("q", nil)
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

func (k *keyed) send(s *azservicebus.Sender) error {
	return s.SendMessage(k.ctx, &azservicebus.Message{Body: []byte("x")}, nil)
}

// unauthorized checks that an error is the SDK's for a lack of rights and says what is missing.
func (k *keyed) unauthorized(err error, text string) {
	k.t.Helper()
	var of *azservicebus.Error
	if !errors.As(err, &of) || of.Code != azservicebus.CodeUnauthorizedAccess || !strings.Contains(err.Error(), text) {
		k.t.Errorf("%v, want unauthorized with %q", err, text)
	}
}

func TestKeyAllowsWhatItIsFor(t *testing.T) {
	k := newKeyed(t)
	if err := k.send(k.sender(k.ConnectionStringOf("Send1"))); err != nil {
		t.Errorf("sending with a key for it: %v", err)
	}
	listening := k.sender(k.ConnectionStringOf("Listen"))
	k.unauthorized(k.send(listening), "'Send' claim(s) are required")
	_, err := listening.ScheduleMessages(k.ctx, []*azservicebus.Message{{}}, time.Now().Add(time.Hour), nil)
	if err == nil {
		t.Error("scheduling with a key for listening works")
	}
	r, err := k.client(k.ConnectionStringOf("Send1")).NewReceiverForQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.ReceiveMessages(k.ctx, 1, nil)
	k.unauthorized(err, "'Listen' claim(s) are required")
	r, err = k.client(k.ConnectionStringOf("Listen")).NewReceiverForQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := r.ReceiveMessages(k.ctx, 1, nil)
	if err != nil || len(msgs) != 1 {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	if err := r.CompleteMessage(k.ctx, msgs[0], nil); err != nil {
		t.Error(err)
	}
}

func TestWrongKeyIsRefused(t *testing.T) {
	k := newKeyed(t)
	wrong := strings.Replace(k.ConnectionStringOf("Send1"), "a2V5MQ==", "a2V5Mg==", 1)
	k.unauthorized(k.send(k.sender(wrong)), "InvalidSignature")
	unknown := strings.Replace(k.ConnectionStringOf("Send1"), "Send1", "Nobody", 1)
	k.unauthorized(k.send(k.sender(unknown)), "InvalidSignature")
}

func TestRevokeSendOfMeansOneKey(t *testing.T) {
	k := newKeyed(t)
	one, two := k.sender(k.ConnectionStringOf("Send1")), k.sender(k.ConnectionStringOf("Send2"))
	for _, s := range []*azservicebus.Sender{one, two} {
		if err := k.send(s); err != nil {
			t.Fatal(err)
		}
	}
	k.Faults().RevokeSendOf("Send1", true)
	k.unauthorized(k.send(k.sender(k.ConnectionStringOf("Send1"))), "'Send' claim(s) are required")
	k.unauthorized(k.send(one), "'Send' claim(s) are required")
	if err := k.send(two); err != nil {
		t.Errorf("the other key: %v", err)
	}
	k.Faults().RevokeSendOf("Send1", false)
	if err := k.send(k.sender(k.ConnectionStringOf("Send1"))); err != nil {
		t.Errorf("given back: %v", err)
	}
}

func TestPlainSASLSignsOn(t *testing.T) {
	k := newKeyed(t)
	dial := func(o *amqp.ConnOptions) (*amqp.Session, error) {
		c, err := amqp.Dial(k.ctx, "amqp://"+k.Addr(), o)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { c.Close() })
		return c.NewSession(k.ctx, nil)
	}
	if _, err := dial(&amqp.ConnOptions{SASLType: amqp.SASLTypePlain("Send1", "wrong")}); err == nil {
		t.Error("a wrong key signs on")
	}
	s, err := dial(&amqp.ConnOptions{SASLType: amqp.SASLTypePlain("Send1", "a2V5MQ==")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewSender(k.ctx, "q", nil); err != nil {
		t.Errorf("sending with a key for it: %v", err)
	}
	for name, o := range map[string]*amqp.ConnOptions{"a key for sending": {SASLType: amqp.SASLTypePlain("Send1", "a2V5MQ==")}, "no token": nil} {
		s, err := dial(o)
		if err != nil {
			t.Fatal(err)
		}
		var refused *amqp.Error
		if _, err := s.NewReceiver(k.ctx, "q", nil); !errors.As(err, &refused) || refused.Condition != amqp.ErrCondUnauthorizedAccess {
			t.Errorf("%s: receiving: %v", name, err)
		}
	}
}

// secured is a connection string that asks for TLS, as in the cloud.
func secured(s string) string { return strings.Replace(s, "UseDevelopmentEmulator=true;", "", 1) }

func TestOnePortForAll(t *testing.T) {
	k := newKeyed(t)
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: k.roots(), MinVersion: tls.VersionTLS12}}}
	t.Cleanup(web.CloseIdleConnections)
	a, err := admin.NewClientFromConnectionString(k.ConnectionString(), &admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: web}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateQueue(k.ctx, "made", nil); err != nil {
		t.Fatalf("admin API over TLS: %v", err)
	}
	s, err := k.client(secured(k.ConnectionString())).NewSender("made", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.send(s); err != nil {
		t.Errorf("AMQP over TLS: %v", err)
	}
	got, err := a.GetQueueRuntimeProperties(k.ctx, "made", nil)
	if err != nil || got == nil || got.ActiveMessageCount != 1 || got.AccessedAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	low, err := admin.NewClientFromConnectionString(k.ConnectionStringOf("Send1"), &admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: web}})
	if err != nil {
		t.Fatal(err)
	}
	var refused *azcore.ResponseError
	if _, err := low.GetQueue(k.ctx, "made", nil); !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("managing with a key for sending: %v", err)
	}
	r, err := http.NewRequestWithContext(k.ctx, http.MethodGet, "http://"+k.Addr()+"/msi/token?resource=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-IDENTITY-HEADER", "x")
	resp, err := web.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a token over plain HTTP: %s", resp.Status)
	}
}

// TestKeysOfAnEntity signs with the keys of one topic's authorization rules: they are good for it and its subscriptions, with
// the rights they have, and for nothing else.
func TestKeysOfAnEntity(t *testing.T) {
	k := newKeyed(t)
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: k.roots(), MinVersion: tls.VersionTLS12}}}
	t.Cleanup(web.CloseIdleConnections)
	a, err := admin.NewClientFromConnectionString(k.ConnectionString(), &admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: web}})
	if err != nil {
		t.Fatal(err)
	}
	made, err := a.CreateTopic(k.ctx, "t", &admin.CreateTopicOptions{Properties: &admin.TopicProperties{AuthorizationRules: []admin.AuthorizationRule{
		{AccessRights: []admin.AccessRight{admin.AccessRightSend}, KeyName: new("sends"), PrimaryKey: new("b25l"), SecondaryKey: new("dHdv")},
		{AccessRights: []admin.AccessRight{admin.AccessRightListen}, KeyName: new("listens")}, // its keys are made
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateSubscription(k.ctx, "t", "s", nil); err != nil {
		t.Fatal(err)
	}
	listening := made.AuthorizationRules[1].PrimaryKey
	if listening == nil || len(*listening) < 40 {
		t.Fatal("no key was made")
	}
	with := func(name, key string) *azservicebus.Client {
		return k.client("Endpoint=sb://" + k.Addr() + ";SharedAccessKeyName=" + name + ";SharedAccessKey=" + key + ";UseDevelopmentEmulator=true")
	}
	send := func(c *azservicebus.Client, entity string) error {
		sender, err := c.NewSender(entity, nil)
		if err != nil {
			t.Fatal(err)
		}
		return k.send(sender)
	}
	receive := func(c *azservicebus.Client) error {
		r, err := c.NewReceiverForSubscription("t", "s", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.ReceiveMessages(k.ctx, 1, nil)
		return err
	}
	for _, key := range []string{"b25l", "dHdv"} {
		if err := send(with("sends", key), "t"); err != nil {
			t.Errorf("sending with a key for sending: %v", err)
		}
	}
	if err := receive(with("listens", *listening)); err != nil {
		t.Errorf("receiving with a key for listening: %v", err)
	}
	k.unauthorized(send(with("listens", *listening), "t"), "'Send' claim(s) are required")
	k.unauthorized(receive(with("sends", "b25l")), "'Listen' claim(s) are required")
	k.unauthorized(send(with("sends", "b25l"), "q"), "InvalidSignature")
	k.unauthorized(send(with("sends", "bm8="), "t"), "InvalidSignature")
}
