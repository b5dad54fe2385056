package main

func Example() {
	main()
	// Output:
	// At the event:
	//   POST /hooks/ann "Backup 6 is done" "All of it."
	// At six:
	//   POST /push "6 unread" "- Backup 6 is done\n- Backup 5 is done\n- Backup 4 is done\n- Backup 3 is done\n- Backup 2 is done\nand 1 more: https://app.example/inbox/bob"
}
