// Command handler is the handler that the benchmarks measure: the project's own server, scanner and contracts, without a
// broker. Paths: /single and /batch map invocations, /last gives what the last one became.
//
//	handler PORT constant             reads every body and answers {}
//	handler PORT mapping CONTRACTS    loads every CONTRACTS/*/contract.yaml and maps by the first
package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"crosswalk/shared/contract"
	"crosswalk/shared/customhandler"
	"crosswalk/shared/schema"
)

// snapshots are part of the program, as the real handler's are.
//
//go:embed schemas
var snapshots embed.FS

func main() {
	err := fmt.Errorf("usage: handler PORT constant | mapping CONTRACTS")
	switch {
	case len(os.Args) == 3 && os.Args[2] == "constant":
		err = http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(constant))
	case len(os.Args) == 4 && os.Args[2] == "mapping":
		var s *customhandler.Server
		if s, err = mapping(os.Args[3]); err == nil {
			err = s.Serve(context.Background(), os.Args[1])
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func constant(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

// mapping returns the project's server with the two functions.
func mapping(root string) (*customhandler.Server, error) {
	files, err := fs.Sub(snapshots, "schemas")
	if err != nil {
		return nil, err
	}
	library, err := contract.OpenLibrary(root, schema.Embedded(files))
	if err != nil {
		return nil, err
	}
	if len(library.Names()) == 0 {
		return nil, errors.New("there is no contract")
	}
	go func() { // as the real handler does
		if err := library.Load(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	plan := sync.OnceValue(func() *contract.Plan {
		p, err := library.Plan(library.Names()[0])
		if err != nil {
			panic(err)
		}
		return p
	})
	var last atomic.Pointer[[][]byte]
	server := customhandler.NewServer(zerolog.New(os.Stderr))
	server.Single("single", func(_ context.Context, m customhandler.Message) error {
		r, err := plan().Apply(m.Body)
		if err != nil {
			return err
		}
		last.Store(&[][]byte{r.JSON(true)})
		return nil
	})
	server.Batch("batch", func(_ context.Context, messages []customhandler.Message) {
		out := make([][]byte, len(messages))
		for i, m := range messages {
			r, err := plan().Apply(m.Body)
			if err != nil {
				panic(err)
			}
			out[i] = r.JSON(true)
		}
		last.Store(&out)
	})
	server.HTTP("last", "/last", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(slices.Concat([]byte("["), bytes.Join(*last.Load(), []byte(",")), []byte("]")))
	}))
	return server, nil
}
