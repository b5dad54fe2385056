// Mutants breaks the rules of the code one by one and demands that the tests
// notice:
//
//	go run ./internal/mutants [-only regexp] [-list]
//
// Each mutant is a small change of one file, made in an overlay that the go
// command reads instead of the file; the tree itself is never touched. It is
// killed when every suite that is listed for it fails. One that survives, that
// does not compile, or whose text is not in the file any more fails the run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	only := flag.String("only", "", "run the mutants whose name matches")
	list := flag.Bool("list", false, "list the mutants and what has to kill them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pattern, err := regexp.Compile(*only)
	if err == nil && *list {
		show(os.Stdout, chosen(pattern))
		return
	}
	if err == nil {
		err = run(ctx, os.Stdout, chosen(pattern))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func chosen(pattern *regexp.Regexp) []mutant {
	var some []mutant
	for _, m := range mutants {
		if pattern.MatchString(m.name) {
			some = append(some, m)
		}
	}
	return some
}

func show(to io.Writer, all []mutant) {
	for _, m := range all {
		fmt.Fprintf(to, "%-60s %s\n", m.name, m.file)
		for _, s := range m.killers {
			fmt.Fprintf(to, "    %s\n", s)
		}
	}
}

func run(ctx context.Context, to io.Writer, all []mutant) error {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.close()
	return report(ctx, to, b, all)
}

// report first makes sure that the suites pass as they are, or their failing
// would mean nothing.
func report(ctx context.Context, to io.Writer, b *bench, all []mutant) error {
	sound := make(map[suite]bool)
	for _, m := range all {
		for _, s := range m.killers {
			if sound[s] {
				continue
			}
			if failed, output, err := b.test(ctx, s, ""); err != nil || failed {
				return fmt.Errorf("%s fails without any mutant: %v\n%s", s, err, output)
			}
			sound[s] = true
		}
	}
	survivors := 0
	for _, m := range all {
		begun := time.Now()
		kills, err := b.try(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		verdict := "killed"
		if err != nil {
			verdict = "FAILED"
			survivors++
		}
		fmt.Fprintf(to, "%-8s %5.1fs  %s\n", verdict, time.Since(begun).Seconds(), m.name)
		for _, k := range kills {
			fmt.Fprintf(to, "                 by %s\n", k)
		}
		if err != nil {
			fmt.Fprintf(to, "                 %v\n", err)
		}
	}
	if survivors > 0 {
		return fmt.Errorf("%d of %d mutants were not killed", survivors, len(all))
	}
	fmt.Fprintf(to, "%d mutants, all killed\n", len(all))
	return nil
}
