package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDay_sendsTheLettersThatTheTwoWishedFor(t *testing.T) {
	office, err := openPostOffice()
	require.NoError(t, err)
	defer office.Close()
	clock := &clock{at: morningAt}
	company, err := openCompany(t.Context(), filepath.Join(t.TempDir(), "demo.db"), surroundings{base: "https://app.example.com", now: clock.now, relay: office.Addr()})
	require.NoError(t, err)
	defer company.Close()
	var out bytes.Buffer
	require.NoError(t, day(t.Context(), screen{&out}, clock, company, office))

	subjects := map[string][]string{}
	var digest letter
	for _, l := range office.received(0) {
		subjects[l.To] = append(subjects[l.To], l.decoded("Subject"))
		if strings.Contains(l.Text, "New lead: Contoso") && l.To == "raj@example.com" {
			digest = l
		}
	}
	t.Run("Ann: one for each, and none for chats", func(t *testing.T) {
		assert.Len(t, subjects["ann@example.com"], 5)
		for _, title := range []string{"Northwind", "Größe & Söhne", "Contoso", "Fabrikam", "Invoice"} {
			assert.Contains(t, strings.Join(subjects["ann@example.com"], "\n"), title)
		}
	})
	t.Run("Raj: the forced one and the digest", func(t *testing.T) {
		require.Len(t, subjects["raj@example.com"], 2)
		assert.Contains(t, strings.Join(subjects["raj@example.com"], "\n"), "Invoice")
		require.NotEmpty(t, digest.Text, "no digest")
	})
	t.Run("the digest: the five newest unread of six, and where the rest is", func(t *testing.T) {
		for _, title := range []string{"lunch at one", "the numbers for April", "Fabrikam", "Contoso", "Größe & Söhne"} {
			assert.Contains(t, digest.Text, title)
		}
		assert.NotContains(t, digest.Text, "can somebody look", "Raj has read it")
		assert.NotContains(t, digest.Text, "Northwind", "the sixth is not listed")
		assert.Contains(t, digest.Text+digest.decoded("Subject"), "6")
		assert.Contains(t, digest.Text, "https://app.example.com/inbox")
	})
	t.Run("the hour: 18:00 in Kolkata", func(t *testing.T) {
		assert.Equal(t, "2026-05-04T12:30:00Z", clock.now().UTC().Format(time.RFC3339))
	})
	t.Run("the screen: settings with locks, decisions with reasons, letters, outcomes", func(t *testing.T) {
		for _, shown := range []string{
			"Billing", "locked", "18:00", "Asia/Kolkata",
			"forced", "channel", "interface",
			"Subject:", "Message-ID:", "Größe & Söhne",
			"digest of 4 May 12:30 UTC", "delivered",
		} {
			assert.Contains(t, out.String(), shown)
		}
		assert.NotContains(t, out.String(), "=?utf-8", "headers are decoded")
	})
}

func TestRun_keepsTheDatabaseWhereItIsTold(t *testing.T) {
	folder := t.TempDir()
	var out bytes.Buffer
	require.NoError(t, playInTerminal(t.Context(), &out, folder))
	file, err := os.Stat(filepath.Join(folder, "demo.db"))
	require.NoError(t, err)
	assert.NotZero(t, file.Size())

	err = playInTerminal(t.Context(), &out, folder)
	assert.ErrorContains(t, err, "is there already", "a second day would mix with the first")
}
