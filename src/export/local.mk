noinst_LIBRARIES += src/export/libexport.a
src_export_libexport_a_SOURCES = src/export/csv.c src/export/gnuplot.c src/export/gnuplot.h \
	src/export/gnuplot_search.c src/export/onnx.c \
	src/export/protobuf.c src/export/protobuf.h src/export/tensorboard.c
