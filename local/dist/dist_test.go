package dist_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"crosswalk/local/dist"
)

// checkout copies what Git has of this project into a folder of its own, so that a test may add to it.
func checkout(t *testing.T) string {
	t.Helper()
	root := filepath.Join("..", "..")
	list := exec.Command("git", "ls-files", "-z", "go.mod", "go.sum", "host.json", "functions", "handlers", "shared")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	to := t.TempDir()
	for name := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		data, err := os.ReadFile(filepath.Join(root, string(name)))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, string(name)), data, 0o644)
	}
	return to
}

func write(t *testing.T, name string, data []byte, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, mode); err != nil {
		t.Fatal(err)
	}
}

func packaged(t *testing.T, source string) []byte {
	t.Helper()
	target := filepath.Join(t.TempDir(), "new", "functions.zip")
	if err := dist.Package(t.Context(), source, target); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Dir(target))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the zip there is %v, %v", left, err)
	}
	data, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unzip(t *testing.T, data []byte) []*zip.File {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return r.File
}

func content(t *testing.T, f *zip.File) []byte {
	t.Helper()
	in, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPackageHoldsWhatTheHostRunsAndNothingElse plants what must stay at home.
func TestPackageHoldsWhatTheHostRunsAndNothingElse(t *testing.T) {
	source := checkout(t)
	for _, name := range []string{
		"local.settings.json", "functions/local.settings.json", "functions/invoice-to-dataverse/local.settings.json",
		"functions/invoice-to-dataverse/x_test.go", "functions/invoice-to-dataverse/.env", "functions/notes/readme.md", ".azure/dev/.env",
	} {
		write(t, filepath.Join(source, name), []byte("package x"), 0o644)
	}
	entries := unzip(t, packaged(t, source))
	var names []string
	for _, f := range entries {
		names = append(names, f.Name)
		want := fs.FileMode(0o644)
		if f.Name == dist.Handler {
			want = 0o755
		}
		if f.Mode() != want || f.CreatorVersion>>8 != 3 {
			t.Errorf("%s: mode %v, made by system %d; want %v, made by Unix (3)", f.Name, f.Mode(), f.CreatorVersion>>8, want)
		}
	}
	want := []string{dist.Handler, "host.json"}
	folders, err := filepath.Glob(filepath.Join(source, "functions", "*", "function.json"))
	if err != nil || len(folders) < 5 {
		t.Fatalf("%v, %v", folders, err)
	}
	for _, f := range folders {
		function := filepath.Base(filepath.Dir(f))
		want = append(want, function+"/function.json")
		if _, err := os.Stat(filepath.Join(source, "functions", function, "contract.yaml")); err == nil {
			want = append(want, function+"/contract.yaml")
		}
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("entries\n%v\nwant, sorted\n%v", names, want)
	}
	i := slices.IndexFunc(entries, func(f *zip.File) bool { return f.Name == dist.Handler })
	checkExecutable(t, content(t, entries[i]))
}

// checkExecutable wants a static executable for Linux on x86-64: Azure has no C library to promise.
func checkExecutable(t *testing.T, data []byte) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_X86_64 || f.Type != elf.ET_EXEC {
		t.Errorf("the handler is %v %v %v", f.Class, f.Machine, f.Type)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the handler has a segment %v: it's no static binary", p.Type)
		}
	}
}

// TestTwoBuildsGiveTheSameBytes builds in two folders whose files have other times and modes, with another time zone and
// other settings of Go.
func TestTwoBuildsGiveTheSameBytes(t *testing.T) {
	first, second := checkout(t), checkout(t)
	one := packaged(t, first)
	err := filepath.WalkDir(second, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if err := os.Chmod(name, 0o700); err != nil {
			return err
		}
		old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		return os.Chtimes(name, old, old)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TZ", "Pacific/Auckland")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOFLAGS", "-tags=other")
	if two := packaged(t, second); !bytes.Equal(one, two) {
		for i, f := range unzip(t, two) {
			if g := unzip(t, one)[i]; g.CRC32 != f.CRC32 {
				t.Errorf("%s and %s differ", g.Name, f.Name)
			}
		}
		t.Errorf("%d bytes and %d bytes, not the same", len(one), len(two))
	}
}

// TestTheFileSystemsModesAndTimesDontCount packs from a file system as Windows shows it, where nothing has an x bit.
func TestTheFileSystemsModesAndTimesDontCount(t *testing.T) {
	made := func(mode fs.FileMode, when time.Time) []byte {
		source := fstest.MapFS{}
		for _, name := range []string{"host.json", "functions/b/function.json", "functions/a/function.json", "functions/a/contract.yaml", "functions/tables.yaml"} {
			source[name] = &fstest.MapFile{Data: []byte(name), Mode: mode, ModTime: when}
		}
		files, err := dist.Files(source)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := dist.WriteZip(&out, append(files, dist.File{Name: dist.Handler, Data: []byte("ELF")})); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	windows := made(0o666, time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("there", 7200)))
	if unix := made(0o755, time.Time{}); !bytes.Equal(windows, unix) {
		t.Error("modes or times of the file system are in the zip")
	}
	var got []string
	for _, f := range unzip(t, windows) {
		got = append(got, fmt.Sprintf("%v %s", f.Mode(), f.Name))
	}
	want := []string{"-rw-r--r-- a/contract.yaml", "-rw-r--r-- a/function.json", "-rw-r--r-- b/function.json", "-rwxr-xr-x handler", "-rw-r--r-- host.json", "-rw-r--r-- tables.yaml"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAFolderThatIsNoProjectIsRefused wants the folder named.
func TestAFolderThatIsNoProjectIsRefused(t *testing.T) {
	empty := t.TempDir()
	err := dist.Package(t.Context(), empty, filepath.Join(t.TempDir(), "functions.zip"))
	if want := empty + ": there is no functions/<name>/function.json; is it the project's root?"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestUnpackKeepsToItsFolder refuses an archive that somebody else made.
func TestUnpackKeepsToItsFolder(t *testing.T) {
	var archive bytes.Buffer
	if err := dist.WriteZip(&archive, []dist.File{{Name: "../outside"}}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "functions.zip")
	write(t, name, archive.Bytes(), 0o644)
	if err := dist.Unpack(name, filepath.Join(t.TempDir(), "in")); err == nil {
		t.Error("accepted")
	}
}
