package main

func Example() {
	main()
	// Output:
	// orders: 1, notifications: 1
	// - Order 1 is placed
}
