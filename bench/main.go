// Bench measures the library against hand-written code that does the same, and
// against peers. Candidates take turns within a round, and what counts is the
// median of the ratios of the same round: absolute numbers say more about the
// machine and its neighbours than about the code.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"slices"
	"time"
)

// comparisons is everything that is measured, in the order of the table.
var comparisons = slices.Concat(accepting, delivering, reading, digesting, streaming, webPushing, pushing, mailing,
	pgDelivering, pgAccepting, pgReading, pgDigesting, pgClaiming, mariaComparing)

func main() {
	if servePush() || serveMail() || readStreams() {
		return
	}
	rounds := flag.Int("rounds", 5, "rounds; each runs every candidate once")
	slice := flag.Duration("slice", time.Second, "how long a candidate runs in a round")
	only := flag.String("only", "", "regular expression: only the cases whose name it matches")
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range []*server{postgresServer, mariaServer} {
		if !s.named() {
			fmt.Fprintf(os.Stderr, "Without %s the cases on that server are left out.\n", s.variable)
		}
	}
	chosen = possible(chosen)
	ctx := context.Background()
	if err := requireDurable(ctx, chosen); err != nil {
		log.Fatal(err)
	}
	if err := run(ctx, os.Stdout, chosen, *rounds, *slice); err != nil {
		log.Fatal(err)
	}
}

func choose(pattern string) ([]comparison, error) {
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(comparisons), func(c comparison) bool {
		return !expression.MatchString(c.name)
	}), nil
}

// run writes the table of docs/performance.md, a row as soon as it is there.
func run(ctx context.Context, out io.Writer, chosen []comparison, rounds int, slice time.Duration) error {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	fmt.Fprintln(out, "| case | reference, per second | notify, per second | ratio | lowest .. highest | goal |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	for _, c := range chosen {
		result, err := measure(ctx, c, folder, rounds, slice)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintln(out, result)
	}
	return nil
}
