package email_test

import (
	"fmt"
	"log"
	"os"
	"strings"
	"testing/fstest"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
)

func Example() {
	//snippet:start new
	letters, err := email.New(email.Options{
		Relay:    "smtp.acme.example:587", // STARTTLS is required; port 465 is TLS from the start
		Username: "notify",
		Password: os.Getenv("SMTP_PASSWORD"),
		From:     "Acme <no-reply@acme.example>",
		Brand:    email.Brand{Accent: "#b3261e", Address: "Acme Ltd, 1 High Street, London", Support: "help@acme.example"},
		Unsubscribe: func(r notify.Recipient, provider string) string {
			return "https://app.acme.example/unsubscribe/" + sign(r, provider)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	//snippet:end new
	fmt.Println(letters.Name())
	// Output: email
}

// sign stands for a token of the host's.
func sign(r notify.Recipient, provider string) string { return r.ID + "." + provider }

func ExampleChannel_Preview() {
	letters, err := email.New(email.Options{Relay: "localhost:25", From: "Acme <no-reply@acme.example>"})
	if err != nil {
		log.Fatal(err)
	}
	//snippet:start preview
	letter, err := letters.Preview(notify.Delivery{
		Contact: notify.Contact{Name: "João", Locale: "pt-BR", TimeZone: "America/Sao_Paulo"},
		Address: notify.Address{Channel: notify.Email, Value: "joao@customer.example"},
		Item: notify.Item{
			Filed:        time.Date(2026, time.November, 3, 16, 42, 0, 0, time.UTC),
			Notification: notify.Notification{Provider: "billing", Title: "Fatura 17", URL: "https://app.acme.example/17"},
		},
	})
	//snippet:end preview
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(letter)) {
		if strings.Contains(line, "Subject:") || strings.Contains(line, "app.acme.example/17") && !strings.Contains(line, "<") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// Subject: Fatura 17
	// Ver detalhes: https://app.acme.example/17
}

func ExampleOptions_templates() {
	//snippet:start words
	letters, err := email.New(email.Options{
		Relay: "localhost:25",
		From:  "Acme <no-reply@acme.example>",
		Locales: map[string]map[string]string{
			"de": {"letter.view": "Zum Vorgang"},
			"nl": {"letter.view": "Bekijken", "digest.heading.one": "{{.Count}} melding", "digest.heading.other": "{{.Count}} meldingen"},
		},
		Templates: fstest.MapFS{ // or an embed.FS
			"footer.txt": {Data: []byte(`{{define "footer"}}-- {{.Brand.Name}}, {{.T "footer.settings"}}: {{.Settings}}{{end}}`)},
		},
	})
	//snippet:end words
	fmt.Println(letters.Name(), err)
	// Output: email <nil>
}
