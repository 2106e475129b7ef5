module jeton

go 1.19
