package claim_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"crosswalk/local/azurite"
	"crosswalk/shared/claim"
	"crosswalk/shared/fault"
)

// emulator is the storage emulator all tests share; each takes a container of its own.
var emulator *azurite.Azurite

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	node, err := filepath.Abs("../../local/node")
	if err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := azurite.Install(ctx, node, func(s string) { fmt.Fprintln(os.Stderr, s) }); err != nil {
		return 1, err
	}
	if emulator, err = azurite.Start(ctx, azurite.Options{NodeDir: node}); err != nil {
		return 1, err
	}
	defer emulator.Close()
	return m.Run(), nil
}

// newContainer returns a client for a container of the test's own. The store's tests name it as they like.
func newContainer(t *testing.T, connection string, policies ...policy.Policy) *container.Client {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	c, err := container.NewClientFromConnectionString(connection, name, &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Retry: policy.RetryOptions{MaxRetries: -1}, PerCallPolicies: policies,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newStore(t *testing.T, policies ...policy.Policy) (*claim.Store, *container.Client) {
	t.Helper()
	c := newContainer(t, emulator.ConnectionString(), policies...)
	s := claim.New(c)
	for range 2 { // the second finds it there
		if err := s.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s, c
}

const hello = "claim-check/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // sha256sum of "hello"

func TestPutAndGet(t *testing.T) {
	s, _ := newStore(t)
	for name, body := range map[string][]byte{
		"text": []byte("hello"), "nothing": {}, "bytes": {0, 0xff, '\n', '\r'}, "5 MB": bytes.Repeat([]byte("0123456789abcdef"), 5<<16),
	} {
		ref, err := s.Put(t.Context(), body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "text" && ref != hello {
			t.Errorf("the reference is %s", ref)
		}
		back, err := s.Get(t.Context(), ref)
		if err != nil || !bytes.Equal(back, body) {
			t.Errorf("%s: %d bytes came back of %d, error %v", name, len(back), len(body), err)
		}
	}
}

// A body that is put again is not written again, but it is younger.
func TestPutTwice(t *testing.T) {
	uploads := 0
	s, c := newStore(t, policyFunc(func(r *policy.Request) (*http.Response, error) {
		//lint:ignore SA1008 the SDK writes this header's name in lower case
		if r.Raw().Header["x-ms-blob-type"] != nil {
			uploads++
			if r.Raw().Header["If-None-Match"][0] != "*" {
				t.Error("an upload that would overwrite")
			}
		}
		return r.Next()
	}))
	age := func() azcore.ETag {
		p, err := c.NewBlobClient(strings.TrimPrefix(hello, "claim-check/")).GetProperties(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return *p.ETag
	}
	var last azcore.ETag
	for i := range 3 {
		if ref, err := s.Put(t.Context(), []byte("hello")); err != nil || ref != hello {
			t.Fatal(ref, err)
		}
		if now := age(); now == last {
			t.Errorf("put number %d left the blob as old as it was", i+1)
		} else {
			last = now
		}
	}
	if uploads != 3 {
		t.Errorf("%d uploads", uploads)
	}
}

func TestPutConcurrently(t *testing.T) {
	s, _ := newStore(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if ref, err := s.Put(t.Context(), []byte("hello")); err != nil || ref != hello {
				t.Error(ref, err)
			}
		})
	}
	wg.Wait()
}

// The lifecycle rule deletes the blob after it was found to be there and before it could be touched.
func TestPutAgainstDeletion(t *testing.T) {
	var other *container.Client
	deleted := false
	s, _ := newStore(t, policyFunc(func(r *policy.Request) (*http.Response, error) {
		if r.Raw().URL.Query().Get("comp") == "metadata" && !deleted {
			deleted = true
			if _, err := other.NewBlobClient(strings.TrimPrefix(hello, "claim-check/")).Delete(r.Raw().Context(), nil); err != nil {
				return nil, err
			}
		}
		return r.Next()
	}))
	other = newContainer(t, emulator.ConnectionString())
	for range 2 {
		if ref, err := s.Put(t.Context(), []byte("hello")); err != nil || ref != hello {
			t.Fatal(ref, err)
		}
	}
	if body, err := s.Get(t.Context(), hello); !deleted || err != nil || string(body) != "hello" {
		t.Errorf("deleted %v, then got %q, error %v", deleted, body, err)
	}
}

func TestGetRefuses(t *testing.T) {
	s, c := newStore(t)
	name := strings.TrimPrefix(hello, "claim-check/")
	if _, err := c.NewBlockBlobClient(strings.Repeat("0", 64)).Upload(t.Context(), streaming.NopCloser(strings.NewReader("other")), nil); err != nil {
		t.Fatal(err)
	}
	for ref, reason := range map[string]string{
		hello:                                    "body-expired",
		"claim-check/" + strings.Repeat("0", 64): "body-corrupt",
		"":                                       "bad-value",
		name:                                     "bad-value",
		"other/" + name:                          "bad-value",
		hello + "/..":                            "bad-value",
		"claim-check/../" + name:                 "bad-value",
		strings.ToUpper(hello):                   "bad-value",
		hello + "\n":                             "bad-value",
	} {
		_, err := s.Get(t.Context(), ref)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Permanent || f.Reason != reason || f.Field != "dataref" {
			t.Errorf("%q: got %v, want %s", ref, err, reason)
		}
	}
}

func TestFailures(t *testing.T) {
	newStore(t)
	wrongKey := strings.Replace(emulator.ConnectionString(), "AccountKey=E", "AccountKey=F", 1)
	nowhere := strings.ReplaceAll(emulator.ConnectionString(), emulator.BlobEndpoint(), "http://127.0.0.1:1/devstoreaccount1")
	status := func(code int) policy.Policy {
		return policyFunc(func(r *policy.Request) (*http.Response, error) {
			return &http.Response{StatusCode: code, Header: http.Header{"X-Ms-Error-Code": {"Some"}}, Body: http.NoBody, Request: r.Raw()}, nil
		})
	}
	for _, c := range []struct {
		name   string
		client *container.Client
		kind   fault.Kind
		reason string
	}{
		{"wrong key", newContainer(t, wrongKey), fault.Misconfigured, "claim-store-refused"},
		{"nothing listens", newContainer(t, nowhere), fault.Transient, "claim-store-unavailable"},
		{"401", newContainer(t, emulator.ConnectionString(), status(401)), fault.Misconfigured, "claim-store-refused"},
		{"500", newContainer(t, emulator.ConnectionString(), status(500)), fault.Transient, "claim-store-unavailable"},
		{"503", newContainer(t, emulator.ConnectionString(), status(503)), fault.Transient, "claim-store-unavailable"},
		{"429", newContainer(t, emulator.ConnectionString(), status(429)), fault.Transient, "claim-store-unavailable"},
	} {
		s := claim.New(c.client)
		_, put := s.Put(t.Context(), []byte("secret"))
		_, get := s.Get(t.Context(), hello)
		for doing, err := range map[string]error{"put": put, "get": get} {
			f := fault.Of(err)
			if f == nil || f.Kind != c.kind || f.Reason != c.reason {
				t.Errorf("%s, %s: got %v, want %s", c.name, doing, err, c.reason)
			} else if strings.Contains(f.Error(), "secret") || strings.Contains(f.Error(), "127.0.0.1") {
				t.Errorf("%s, %s: the error says %q", c.name, doing, f)
			}
		}
	}
	t.Run("no container", func(t *testing.T) {
		s := claim.New(newContainer(t, emulator.ConnectionString()))
		for _, err := range []error{second(s.Put(t.Context(), nil)), second(s.Get(t.Context(), hello))} {
			if fault.KindOf(err) != fault.Misconfigured {
				t.Errorf("got %v", err)
			}
		}
	})
	t.Run("out of time", func(t *testing.T) {
		s, _ := newStore(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range []error{second(s.Put(ctx, nil)), second(s.Get(ctx, hello))} {
			if err == nil || fault.KindOf(err) != fault.Transient {
				t.Errorf("got %v", err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

type policyFunc func(*policy.Request) (*http.Response, error)

func (f policyFunc) Do(r *policy.Request) (*http.Response, error) { return f(r) }
