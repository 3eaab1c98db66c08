module article

go 1.19
