package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/store/memory"
)

// reader is somebody who reads letters in a language of theirs. The host writes
// titles and bodies, in whatever language it likes; the letter around them
// follows the reader's.
type reader struct {
	locale, zone string
	name         string
	titles       []string // of seven notifications
	body         string
	rows         []notify.Row
}

// readers has one for each language that the library ships.
var readers = []reader{
	{"en-GB", "Europe/London", "Mary O'Connor", []string{
		"New lead: Northwind", "Tom: the numbers for April are in", "Invoice 2026-05 is due on Friday", "Deal won: Fabrikam",
		"Mia mentioned you in “Q3 planning”", "Your export is ready", "Contract with Contoso signed",
	}, "The contract was signed by both sides this morning.\n\nNothing is left for you to do. It is filed under Contoso, with all its annexes.",
		[]notify.Row{{Label: "Customer", Text: "Contoso Ltd"}, {Label: "Worth", Text: "£41,000"}}},
	{"es-MX", "America/Mexico_City", "María José Hernández", []string{
		"Nuevo cliente potencial: Viento Norte", "Tomás: ya están las cifras de abril", "La factura 2026-05 vence el viernes", "Trato cerrado: Fabrikam",
		"Mía te mencionó en «Planes del trimestre»", "Tu exportación está lista", "Contrato firmado con Contoso",
	}, "Ambas partes firmaron el contrato esta mañana.\n\nNo tienes nada pendiente. Está archivado en Contoso, con todos sus anexos.",
		[]notify.Row{{Label: "Cliente", Text: "Contoso S.A."}, {Label: "Valor", Text: "$ 41,000"}}},
	{"pt-BR", "America/Sao_Paulo", "João Conceição", []string{
		"Novo contato: Vento Norte", "Tomás: os números de abril chegaram", "A fatura 2026-05 vence na sexta-feira", "Negócio fechado: Fabrikam",
		"Mia mencionou você em “Planos do trimestre”", "Sua exportação está pronta", "Contrato com a Contoso assinado",
	}, "O contrato foi assinado pelas duas partes hoje de manhã.\n\nVocê não precisa fazer nada. Ele está arquivado em Contoso, com todos os anexos.",
		[]notify.Row{{Label: "Cliente", Text: "Contoso Ltda."}, {Label: "Valor", Text: "R$ 41.000"}}},
	{"ru", "Europe/Moscow", "Анна Щербакова", []string{
		"Новая заявка: «Северный ветер»", "Тимур: готовы цифры за апрель", "Счёт 2026-05 нужно оплатить до пятницы", "Сделка закрыта: «Фабрикам»",
		"Мия упомянула вас в «Планах на квартал»", "Ваша выгрузка готова", "Договор с «Контосо» подписан",
	}, "Сегодня утром договор подписали обе стороны.\n\nОт вас ничего не требуется: он сохранён в карточке «Контосо» со всеми приложениями.",
		[]notify.Row{{Label: "Заказчик", Text: "ООО «Контосо»"}, {Label: "Сумма", Text: "41 000 ₽"}}},
	{"de-AT", "Europe/Vienna", "Jörg Größinger", []string{
		"Neue Anfrage: Nordwind", "Tom: Die Zahlen für April sind da", "Rechnung 2026-05 ist am Freitag fällig", "Auftrag gewonnen: Fabrikam",
		"Mia hat Sie in „Quartalsplanung“ erwähnt", "Ihr Export steht bereit", "Rahmenvertrag mit der Donaudampfschifffahrtsgesellschaft unterzeichnet",
	}, "Beide Seiten haben den Vertrag heute Vormittag unterzeichnet.\n\nSie müssen nichts weiter tun. Er liegt mit allen Anlagen in der Kundenakte.",
		[]notify.Row{{Label: "Auftraggeber", Text: "Donaudampfschifffahrtsgesellschaft"}, {Label: "Auftragswert", Text: "41.000 €"}}},
	{"ar-EG", "Africa/Cairo", "ليلى عبد الرحمن", []string{
		"عميل محتمل جديد: رياح الشمال", "طارق: وصلت أرقام شهر أبريل", "الفاتورة 2026-05 تستحق يوم الجمعة", "تمت الصفقة: Fabrikam",
		"أشارت إليك ميا في «خطة الربع الثالث»", "ملف التصدير جاهز", "تم توقيع العقد مع Contoso",
	}, "وقّع الطرفان العقد صباح اليوم.\n\nلا يلزمك فعل أي شيء. العقد محفوظ في ملف Contoso مع جميع ملاحقه.",
		[]notify.Row{{Label: "العميل", Text: "Contoso Ltd"}, {Label: "القيمة", Text: "41,000 ج.م."}}},
}

// writeLetters shows the letter and the digest of each reader: seven unread,
// five listed, and the link to all of them. Nothing is sent.
func writeLetters(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	letters, err := email.New(email.Options{
		Relay: "localhost:25", From: "Example Ltd <notify@example.com>",
		Brand: email.Brand{Name: "Example", URL: "https://example.com/", Address: "Example Ltd, 1 High Street, London", Support: "help@example.com"},
		Unsubscribe: func(r notify.Recipient, provider string) string {
			return "https://app.example.com/unsubscribe/" + r.ID + "/" + provider
		},
	})
	if err != nil {
		return err
	}
	for _, who := range readers {
		if err := who.write(ctx, folder, letters); err != nil {
			return fmt.Errorf("%s: %w", who.locale, err)
		}
	}
	return nil
}

// write fills an inbox for the reader and previews what would be sent.
func (who reader) write(ctx context.Context, folder string, letters *email.Channel) error {
	at := time.Date(2026, time.May, 4, 8, 0, 0, 0, time.UTC)
	clock := &clock{at: at}
	id := notify.User(strings.ToLower(who.locale))
	contact := notify.Contact{Name: who.name, Locale: who.locale, TimeZone: who.zone}
	links := notify.Links{
		Inbox:    func(notify.Recipient) string { return "https://app.example.com/inbox" },
		Settings: func(notify.Recipient) string { return "https://app.example.com/settings/notifications" },
	}
	center, err := notify.New(memory.New(&memory.Options{Now: clock.now}), &notify.Options{
		Channels: []notify.Channel{letters}, Directory: notify.People{id: contact}, Links: links,
		Defaults: map[string]notify.Mode{notify.Email: notify.Daily},
	})
	if err != nil {
		return err
	}
	for i, title := range who.titles {
		n := notify.Notification{Provider: "crm", To: []notify.Recipient{id}, Title: title, URL: fmt.Sprintf("https://app.example.com/items/%d", i+1)}
		if i == len(who.titles)-1 {
			n.Body, n.Rows = who.body, who.rows
		}
		if _, err := center.Send(ctx, n); err != nil {
			return err
		}
		clock.advance(47 * time.Minute)
	}
	d := notify.Delivery{
		ID: "01935b2a-6c00-7000-8000-0123456789ab", Recipient: id, Contact: contact, Address: notify.Address{Channel: notify.Email, Value: "reader@example.com"},
		Links: notify.DeliveryLinks{Inbox: links.Inbox(id), Settings: links.Settings(id)},
	}
	digest, err := center.PreviewDigest(ctx, id)
	if err != nil {
		return err
	}
	raw, err := letters.PreviewDigest(d, digest)
	if err != nil {
		return err
	}
	if err := writePage(folder, who.locale+"-digest", raw); err != nil {
		return err
	}
	newest, err := center.Inbox(id).Page(ctx, notify.Query{Limit: 1})
	if err != nil {
		return err
	}
	d.Item = newest.Items[0]
	if raw, err = letters.Preview(d); err != nil {
		return err
	}
	return writePage(folder, who.locale+"-letter", raw)
}

// writePage writes a letter as it is, and its HTML part for a browser.
func writePage(folder, name string, raw []byte) error {
	if err := os.WriteFile(filepath.Join(folder, name+".eml"), raw, 0o644); err != nil {
		return err
	}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return fmt.Errorf("%s has no HTML part", name)
		}
		if err != nil {
			return err
		}
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			continue
		}
		page, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, name+".html"), page, 0o644)
	}
}
